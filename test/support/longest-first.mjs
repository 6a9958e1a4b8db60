import TestSequencer from '@jest/test-sequencer';

/** Short files with long suites, longest first: each runs every store, or several processes. */
const LONGEST = [
  'test/store/store-contract.spec.ts',
  'test/vectors/vectors.spec.ts',
  'test/engine/incremental/every-store.spec.ts',
  'test/runs/run-processes.spec.ts',
  'test/engine/incremental/processes.spec.ts',
  'test/faults/whole-job.spec.ts',
  'test/e2e/pipeline.e2e-spec.ts',
];

/**
 * Begins long suites first, so that none of them runs on one core when the others have ended.
 *
 * Jest judges a suite that it has not timed yet by the size of its file, which says nothing of these.
 */
export default class LongestFirst extends TestSequencer {
  async sort(tests) {
    const first = LONGEST.flatMap((suite) => tests.filter(({ path }) => path.endsWith(suite)));
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's own order, of no array
    const others = await super.sort(tests.filter((test) => !first.includes(test)));
    return [...first, ...others];
  }
}
