import { crc32 } from 'node:zlib';
import { isModelName } from '../../../model/model-definition.js';

/** The version of the layout and of the text of objects. */
export const FORMAT_VERSION = 1;

/** The keys of one model, or of one shard of it. On a cluster they lie in one slot. */
export interface ModelKeys {
  /** Sorted set: unique ids by insertion. */
  readonly index: string;
  /** Hash: layout, time of the last change, and what the last writes left undone. */
  readonly state: string;
  /** An object's key is this and its unique id, whatever characters that has. */
  readonly prefix: string;
}

export interface RedisLayout {
  /** Whether the models spread over the slots of a cluster: what names the model is then in braces. */
  readonly cluster: boolean;
  /** Into how many slots each model is split. */
  readonly shards: number;
  /** Milliseconds after which everything expires. */
  readonly ttl: number | undefined;
}

/** What a key is about: a model, or an object of it by the bytes of its unique id. */
export interface KeyMeaning {
  readonly model: string;
  readonly shard: number;
  readonly uid: Buffer | undefined;
}

/** Every key of a store; nothing else in the package builds one. Store ids and model names hold no `:`, so none can collide. */
export class RedisKeys {
  /** Set: names of models that may have objects. */
  readonly models: string;
  /** What a model's state names as its layout: the version of the format, the number of shards, and whether it expires. */
  readonly layout: string;
  private readonly known = new Map<string, readonly ModelKeys[]>();

  constructor(
    private readonly storeId: string,
    private readonly options: RedisLayout,
  ) {
    this.models = `diffsync.models:${storeId}`;
    const { shards, ttl } = options;
    this.layout = `${FORMAT_VERSION}${shards === 1 ? '' : `, ${shards} shards`}${ttl === undefined ? '' : ', expires'}`;
  }

  get shards(): number {
    return this.options.shards;
  }

  get ttl(): number | undefined {
    return this.options.ttl;
  }

  /** By the number of the shard; one where the model is not split. */
  of(model: string): readonly ModelKeys[] {
    let keys = this.known.get(model);
    if (keys === undefined) this.known.set(model, (keys = this.build(model)));
    return keys;
  }

  /** Of the shard that holds an object. */
  holding(model: string, uid: string): ModelKeys {
    return this.of(model)[this.shardOf(uid)] as ModelKeys;
  }

  /** Hash whose field "format" names the model's layout: its state, or that of the whole where it is split. */
  layoutOf(model: string): string {
    const name = `${this.storeId}:${model}`;
    return `diffsync.state:${this.options.cluster ? `{${name}}` : name}`;
  }

  /** Counter of a split model: the place that was given last. */
  places(model: string): string {
    return `diffsync.places:{${this.storeId}:${model}}`;
  }

  /** Which shard holds an object. Decided by the unique id for ever: CRC-32 of its UTF-8 bytes, modulo the shards. */
  shardOf(uid: string): number {
    return this.shards === 1 ? 0 : crc32(uid) % this.shards;
  }

  /** Matches the keys of all models and their objects, and perhaps others, as a pattern of SCAN. */
  get pattern(): string {
    const id = this.storeId.replace(/[*?[\]\\]/g, '\\$&');
    return `diffsync*:${this.options.cluster ? '{' : ''}${id}:*`;
  }

  /** Undefined for a key that this store does not have. */
  parse(key: Buffer): KeyMeaning | undefined {
    for (const kind of ['diffsync', 'diffsync.index', 'diffsync.state']) {
      const head = Buffer.from(`${kind}:${this.options.cluster ? '{' : ''}${this.storeId}:`);
      if (!key.subarray(0, head.length).equals(head)) continue;
      const model = /^[\w-]*/.exec(key.toString('latin1', head.length, head.length + 513))?.[0];
      if (!isModelName(model)) return undefined;
      const own = this.of(model);
      if (kind !== 'diffsync') {
        const shard = own.findIndex(({ index, state }) => key.equals(Buffer.from(kind.endsWith('x') ? index : state)));
        return shard === -1 ? undefined : { model, shard, uid: undefined };
      }
      for (const [shard, { prefix }] of own.entries()) {
        const start = Buffer.from(prefix);
        if (!key.subarray(0, start.length).equals(start)) continue;
        return { model, shard, uid: key.subarray(start.length) };
      }
    }
    return undefined;
  }

  private build(model: string): ModelKeys[] {
    const { cluster, shards } = this.options;
    return Array.from({ length: shards }, (_, shard) => {
      const name = `${this.storeId}:${model}${shards === 1 ? '' : `:${shard}`}`;
      const tagged = cluster ? `{${name}}` : name;
      return {
        index: `diffsync.index:${tagged}`,
        state: `diffsync.state:${tagged}`,
        prefix: `diffsync:${tagged}:`,
      };
    });
  }
}
