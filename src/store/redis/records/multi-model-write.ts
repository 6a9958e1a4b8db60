import { encodeRecord } from '../../../record/record-codec.js';
import type { ModelRecord } from '../../../record/model-record.js';
import type { InsertConflict, ModelChanges } from '../../store-backend.js';
import { Failed } from '../../../async/outcome.js';
import type { ModelKeys, RedisKeys } from '../layout/keys.js';
import type { ModelIndex } from './model-index.js';
import type { CommandExecutor, OperationLimits, WriteLimits } from '../commands/command-executor.js';
import { pauseBeforeRetry, type CompareAndSet, type Replacement } from './compare-and-set.js';
import type { RecordReader } from './record-reader.js';

/** Characters of the arguments of one command for several models: more of them block the server for too long. */
const MAX_CHARS = 4 * 1024 * 1024;

/** What the command does in one model. */
interface ModelWrite {
  readonly changes: ModelChanges;
  readonly keys: ModelKeys;
  readonly replacements: readonly Replacement[];
}

/** What `multi-model-write.lua` returns for one model. */
type ModelReply = readonly (number | string)[];

/** Changes several models in one atomic command; not on a cluster, nor where models are split. */
export class MultiModelWrite {
  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
    private readonly models: ModelIndex,
    private readonly reader: RecordReader,
    private readonly compareAndSet: CompareAndSet,
  ) {}

  /** @returns the inserts that met an object; undefined, with nothing done, when it is too much for one command. */
  async write(
    changes: readonly ModelChanges[],
    limits: WriteLimits & { readonly deadline: number },
  ): Promise<readonly InsertConflict[] | undefined> {
    const grown = changes.filter(({ inserts, puts }) => inserts.length + puts.length > 0);
    for (const { model } of grown) await this.models.registerModel(model, limits);
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) await pauseBeforeRetry(attempt);
      const writes = await Promise.all(changes.map((each) => this.prepare(each, attempt > 0, limits)));
      const args = scriptArguments(writes);
      if (args === undefined) return undefined;
      const replies = await this.send(writes, args, limits);
      if (replies.length > 0) {
        const all = writes.map((each, at) => ({ ...each, reply: replies[at] ?? [] }));
        for (const { changes: each, reply } of all) {
          if (grown.includes(each)) await this.models.ensureRegistered(each.model, reply[0] === 1, limits);
        }
        const conflicts = all.map(({ changes: each, keys, reply }) => this.conflictsOf(each, keys, reply));
        return (await Promise.all(conflicts)).flat();
      }
      if (performance.now() < limits.deadline) continue;
      // Only an object to replace can conflict with the writes of other clients.
      const { changes: met } = writes.find(({ replacements }) => replacements.length > 0) as ModelWrite;
      throw this.compareAndSet.contended(met.model, met.modified);
    }
  }

  private async prepare(changes: ModelChanges, again: boolean, limits: OperationLimits): Promise<ModelWrite> {
    const { model, modified, change } = changes;
    const [keys] = this.keys.of(model) as [ModelKeys];
    const replacements = await this.compareAndSet.replacements(model, keys, modified, change, again, limits);
    return { changes, keys, replacements };
  }

  /** @returns a reply for each model; nothing when another client changed an object in between. */
  private send(
    writes: readonly ModelWrite[],
    args: readonly string[],
    limits: WriteLimits,
  ): Promise<readonly ModelReply[]> {
    const keys = writes.flatMap(({ keys: { index, state, log } }) => [index, state, log]);
    const grows = writes.some(
      ({ changes: { inserts, puts }, replacements }) =>
        inserts.length + puts.length > 0 || replacements.some(([, expected, json]) => json.length > expected.length),
    );
    return this.commands.executeIdempotent(keys[0] as string, limits, (client, ...token) => {
      const all = [...keys, ...token, args];
      return grows
        ? client.diffsyncMultiModelWrite(keys.length, ...all)
        : client.diffsyncMultiModelShrink(keys.length, ...all);
    });
  }

  private async conflictsOf(
    { model, inserts }: ModelChanges,
    keys: ModelKeys,
    reply: ModelReply,
  ): Promise<InsertConflict[]> {
    const uids = inserts.map(({ uid }) => uid);
    const decode = this.reader.decoder(model, (record) => record);
    return (await this.reader.conflicts(model, keys, uids, reply)).map(({ position, json }) => {
      const existing = decode(uids[position] as string, json);
      if (existing instanceof Failed) throw existing.error;
      return { model, record: inserts[position] as ModelRecord, existing: existing as ModelRecord };
    });
  }
}

/** @returns what `multi-model-write.lua` takes for each model; undefined when it is too much for one command. */
function scriptArguments(writes: readonly ModelWrite[]): string[] | undefined {
  const args: string[] = [];
  let chars = 0;
  for (const { changes, keys, replacements } of writes) {
    const { replaced, inserts, puts, removed } = changes;
    const lists = [replaced, inserts, puts, replacements, removed];
    args.push(keys.prefix);
    for (const { length } of lists) args.push(String(length));
    for (const uid of replaced) args.push(uid);
    for (const record of [...inserts, ...puts]) args.push(record.uid, encodeRecord(record));
    for (const each of replacements) for (const arg of each) args.push(arg);
    for (const uid of removed) args.push(uid);
  }
  for (const { length } of args) chars += length;
  return chars > MAX_CHARS ? undefined : args;
}
