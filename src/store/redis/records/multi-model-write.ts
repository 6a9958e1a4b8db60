import { encodeRecord } from '../../../record/record-codec.js';
import type { ModelRecord } from '../../../record/model-record.js';
import type { InsertConflict, ModelChanges } from '../../store-backend.js';
import { Failed } from '../../../async/outcome.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from './model-index.js';
import type { OperationLimits, CommandExecutor } from '../commands/command-executor.js';
import { pause, type CompareAndSet, type Swap } from './compare-and-set.js';
import { asItIs, type RecordReader } from './record-reader.js';

/** Characters of text in one step for several models: more block the server for too long. */
const MOST_CHARS = 4 * 1024 * 1024;

/** What a step does in one model. */
interface SavedModel {
  readonly changes: ModelChanges;
  readonly keys: ModelKeys;
  readonly swaps: readonly Swap[];
}

/** What `save.lua` answers for one model. */
type SavedAnswer = readonly (number | string)[];

/** Changes several models in one step: not on a cluster, nor where models are split. */
export class MultiModelWrite {
  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: CommandExecutor,
    private readonly models: ModelIndex,
    private readonly texts: RecordReader,
    private readonly swaps: CompareAndSet,
  ) {}

  /** @returns the inserts that met an object; undefined, with nothing done, when it is too much for one step. */
  async write(
    changes: readonly ModelChanges[],
    limit: OperationLimits & { readonly deadline: number },
  ): Promise<readonly InsertConflict[] | undefined> {
    const grown = changes.filter(({ inserts, puts }) => inserts.length + puts.length > 0);
    for (const { model } of grown) await this.models.registerModel(model, limit);
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) await pause(attempt);
      const models = await Promise.all(changes.map((each) => this.savedModel(each, attempt > 0, limit)));
      const args = saveArgs(models);
      if (args === undefined) return undefined;
      const answers = await this.send(models, args, limit);
      if (answers.length > 0) {
        const all = models.map((each, at) => ({ ...each, answer: answers[at] ?? [] }));
        for (const { changes: each, answer } of all) {
          if (grown.includes(each)) await this.models.ensureRegistered(each.model, answer[0] === 1, limit);
        }
        const conflicts = all.map(({ changes: each, keys, answer }) => this.conflictsOf(each, keys, answer));
        return (await Promise.all(conflicts)).flat();
      }
      if (performance.now() < limit.deadline) continue;
      // Nothing else meets what others change.
      const { changes: met } = models.find(({ swaps }) => swaps.length > 0) as SavedModel;
      throw this.swaps.contended(met.model, met.modified);
    }
  }

  private async savedModel(changes: ModelChanges, again: boolean, limit: OperationLimits): Promise<SavedModel> {
    const { model, modified, change } = changes;
    const [keys] = this.keys.of(model) as [ModelKeys];
    return { changes, keys, swaps: await this.swaps.of(model, keys, modified, change, again, limit) };
  }

  /** @returns by model; nothing when somebody else changed an object in between. */
  private send(
    models: readonly SavedModel[],
    args: readonly string[],
    limit: OperationLimits,
  ): Promise<readonly SavedAnswer[]> {
    const keys = models.flatMap(({ keys: { index, state } }) => [index, state]);
    const grows = models.some(
      ({ changes: { inserts, puts }, swaps }) =>
        inserts.length + puts.length > 0 || swaps.some(([, expected, text]) => text.length > expected.length),
    );
    return this.steps.executeIdempotent(keys[0] as string, limit, (client, ...ledger) => {
      const all = [...keys, ...ledger, args];
      return grows ? client.diffsyncSave(keys.length, ...all) : client.diffsyncShrink(keys.length, ...all);
    });
  }

  private async conflictsOf(
    { model, inserts }: ModelChanges,
    keys: ModelKeys,
    answer: SavedAnswer,
  ): Promise<InsertConflict[]> {
    const uids = inserts.map(({ uid }) => uid);
    const resultOf = this.texts.decoder(model, asItIs);
    return (await this.texts.conflicts(model, keys, uids, answer)).map(({ position, text }) => {
      const existing = resultOf(uids[position] as string, text);
      if (existing instanceof Failed) throw existing.error;
      return { model, record: inserts[position] as ModelRecord, existing: existing as ModelRecord };
    });
  }
}

/** @returns for each model what `save.lua` takes for it; undefined when it is too much for one step. */
function saveArgs(models: readonly SavedModel[]): string[] | undefined {
  const args: string[] = [];
  let chars = 0;
  for (const { changes, keys, swaps } of models) {
    const { replaced, inserts, puts, removed } = changes;
    const lists = [replaced, inserts, puts, swaps, removed];
    args.push(keys.prefix, ...lists.map(({ length }) => String(length)), ...replaced);
    for (const record of [...inserts, ...puts]) args.push(record.uid, encodeRecord(record));
    args.push(...swaps.flat(), ...removed);
  }
  for (const { length } of args) chars += length;
  return chars > MOST_CHARS ? undefined : args;
}
