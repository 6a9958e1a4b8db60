import { toExtendedJson } from '../values/extended-json.js';
import { redactChange, redactRun, type Reporter, type ShownChange } from './report.js';

/** One line of JSON. Values that JSON lacks are in tagged form. */
export const jsonReporter: Reporter = {
  async *run({ run, changes }) {
    yield `{"run":${JSON.stringify(toExtendedJson(redactRun(run)))}`;
    if (changes !== undefined) {
      yield ',"changes":[';
      let separator = '';
      for await (const change of changes) {
        yield `${separator}${jsonOf(change)}`;
        separator = ',';
      }
      yield ']';
    }
    yield '}\n';
  },
  *runs({ runs, next }) {
    // Without `next` on the last page, as undefined has a tagged form.
    const page = { runs: runs.map(redactRun), ...(next === undefined ? {} : { next }) };
    yield `${JSON.stringify(toExtendedJson(page))}\n`;
  },
  *object(model, uid, changes) {
    yield `{"model":${JSON.stringify(model)},"uid":${JSON.stringify(uid)},"changes":[${changes.map(jsonOf).join(',')}]}\n`;
  },
};

function jsonOf(change: ShownChange): string {
  return JSON.stringify(toExtendedJson(redactChange(change)));
}
