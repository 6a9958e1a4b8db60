import { encodeRecord } from '../../model/record-codec.js';
import type { ModelRecord } from '../../model/model-record.js';
import type { InsertConflict, ModelChanges } from '../write-behind.js';
import { Failed } from './gatherer.js';
import type { ModelKeys, RedisKeys } from './redis-keys.js';
import type { RedisModels } from './redis-models.js';
import type { Limit, RedisSteps } from './redis-steps.js';
import { pause, type RedisSwaps, type Swap } from './redis-swaps.js';
import { asItIs, type RedisTexts } from './redis-texts.js';

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
export class RedisSave {
  constructor(
    private readonly keys: RedisKeys,
    private readonly steps: RedisSteps,
    private readonly models: RedisModels,
    private readonly texts: RedisTexts,
    private readonly swaps: RedisSwaps,
  ) {}

  /** @returns the inserts that met an object; undefined, with nothing done, when it is too much for one step. */
  async together(
    changes: readonly ModelChanges[],
    limit: Limit & { readonly deadline: number },
  ): Promise<readonly InsertConflict[] | undefined> {
    const grown = changes.filter(({ inserts, puts }) => inserts.length + puts.length > 0);
    for (const { model } of grown) await this.models.nameFirst(model, limit);
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) await pause(attempt);
      const models = await Promise.all(changes.map((each) => this.savedModel(each, attempt > 0, limit)));
      const args = saveArgs(models);
      if (args === undefined) return undefined;
      const answers = await this.send(models, args, limit);
      if (answers.length > 0) {
        const all = models.map((each, at) => ({ ...each, answer: answers[at] ?? [] }));
        for (const { changes: each, answer } of all) {
          if (grown.includes(each)) await this.models.nameAgain(each.model, answer[0] === 1, limit);
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

  private async savedModel(changes: ModelChanges, again: boolean, limit: Limit): Promise<SavedModel> {
    const { model, modified, change } = changes;
    const [keys] = this.keys.of(model) as [ModelKeys];
    return { changes, keys, swaps: await this.swaps.of(model, keys, modified, change, again, limit) };
  }

  /** @returns by model; nothing when somebody else changed an object in between. */
  private send(models: readonly SavedModel[], args: readonly string[], limit: Limit): Promise<readonly SavedAnswer[]> {
    const keys = models.flatMap(({ keys: { index, state } }) => [index, state]);
    const grows = models.some(
      ({ changes: { inserts, puts }, swaps }) =>
        inserts.length + puts.length > 0 || swaps.some(([, expected, text]) => text.length > expected.length),
    );
    return this.steps.ledgered(keys[0] as string, limit, (client, ...ledger) => {
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
    return (await this.texts.inTheWay(model, keys, uids, answer)).map(({ position, text }) => {
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
