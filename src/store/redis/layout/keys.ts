import { crc32 } from 'node:zlib';
import { isModelName } from '../../../model/model-definition.js';
import { formatText, logsChanges, type FormatOptions } from './format.js';

/** The keys of one model, or of one shard of it. On a cluster they lie in one slot. */
export interface ModelKeys {
  /** Sorted set: unique ids, scored in the order of insertion. */
  readonly index: string;
  /** Hash: layout, time of the last change, and the deduplication records of the last writes. */
  readonly state: string;
  /** List, in format 2: the log of changes. */
  readonly log: string;
  /** The key of an object is this and its unique id, whatever characters that has. */
  readonly prefix: string;
}

/** How the options of a store lay out its keys. */
export interface KeyLayout extends FormatOptions {
  /** Whether the models spread over the slots of a cluster: what names the model is then a hash tag, in braces. */
  readonly cluster: boolean;
}

/** What a key belongs to: a model, or an object of it by the bytes of its unique id. */
export interface ParsedKey {
  readonly model: string;
  readonly shard: number;
  readonly uid: Buffer | undefined;
}

/** What a key tells without the options of its store. Its `name` is what follows the kind in all keys of a shard. */
export interface StoreKey {
  /** The store id; undefined for a key of no store. */
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  readonly name: string;
}

/** Matches the keys of all objects of a store, on a cluster as well as on a server, as a pattern of SCAN. */
export function objectPatterns(storeId: string): readonly string[] {
  return ['', '{'].map((brace) => `diffsync:${brace}${escaped(storeId)}:*`);
}

/** Matches every key of every store but those of objects, as a pattern of SCAN. */
export const METADATA_PATTERN = 'diffsync.*';
/** An index and a pattern of objects that exist in no store: for a look at the rights of the user. */
export const SORT_PROBE = { index: 'diffsync.index:', objects: 'diffsync:*' } as const;

/** The name of a model or shard: `<store id>:<model>`; on a cluster in braces, with `:<shard>` where it is split. */
const NAME = /^(?:([^:{}]+):([\w-]+)|\{([^:{}]+):([\w-]+)(?::\d+)?\})$/;

/** Begins the key of an object. */
const OBJECT = /^diffsync:([^:{}]+:[\w-]+|\{[^:{}]+:[\w-]+(?::\d+)?\}):/;

/**
 * The keys of one store. With the functions below it builds and parses every key of the package. Store ids and model names
 * hold no `:`, so no two keys can collide.
 */
export class RedisKeys {
  /** Set: names of the models that may have objects. */
  readonly models: string;
  /** Hash: who holds the lease of the store, and its fence. */
  readonly lease: string;
  /** What the state of a new model names as its layout. */
  readonly format: string;
  readonly shards: number;
  /** Milliseconds; undefined for a store that does not expire. */
  readonly ttl: number | undefined;
  readonly changeLog: boolean;
  private readonly known = new Map<string, readonly ModelKeys[]>();
  /** The models whose log is declared on a cluster. */
  private readonly logged = new Set<string>();

  constructor(
    private readonly storeId: string,
    private readonly layout: KeyLayout,
  ) {
    this.models = modelsKey(storeId);
    this.lease = leaseKey(storeId);
    this.format = formatText(layout);
    this.shards = layout.shards;
    this.ttl = layout.ttl;
    this.changeLog = layout.changeLog;
  }

  /** @returns the keys of a model, by the number of the shard; one where the model is not split. */
  of(model: string): readonly ModelKeys[] {
    let keys = this.known.get(model);
    if (keys === undefined) this.known.set(model, (keys = this.build(model)));
    return keys;
  }

  /** @returns the keys of the shard that holds an object. */
  holding(model: string, uid: string): ModelKeys {
    return this.of(model)[this.shardOf(uid)] as ModelKeys;
  }

  /**
   * The keys that a script on objects of a shard declares, after their number: its index and state, on a cluster also those
   * of the objects. Servers differ in what they say of a key that is not declared while its slot moves.
   * @param items - Lists of `step` items, each beginning with a unique id.
   */
  declared(
    { index, state, prefix }: ModelKeys,
    items: readonly (string | Buffer)[],
    step = 1,
  ): (number | string | Buffer)[] {
    return this.withObjects([2, index, state], prefix, items, step);
  }

  /**
   * The same for a script that writes objects, which may have to log it. On a cluster a log is declared only where there may be one: a
   * script that touches a key which is not there waits while its slot moves. Where it is not, the state stands in its place.
   */
  declaredForWrite(
    model: string,
    { index, state, log, prefix }: ModelKeys,
    items: readonly (string | Buffer)[],
    step = 1,
  ): (number | string | Buffer)[] {
    const isDeclared = !this.layout.cluster || this.logsChanges || this.logged.has(model);
    return this.withObjects([3, index, state, isDeclared ? log : state], prefix, items, step);
  }

  /** Has the log of a model be declared from now on. */
  declareLog(model: string): void {
    this.logged.add(model);
  }

  /** Whether a store logs the changes of every model that it writes to. */
  get logsChanges(): boolean {
    return logsChanges(this.format);
  }

  /** The keys of what is kept of a model as a whole: where it is split, beside its shards. */
  whole(model: string): ModelKeys {
    const name = `${this.storeId}:${model}`;
    return keysOfName(this.layout.cluster ? `{${name}}` : name);
  }

  /** Hash whose field "format" names the layout of a model: its state, or that of the whole where it is split. */
  formatKey(model: string): string {
    return this.whole(model).state;
  }

  /** Counter of a split model: the sequence number that was given last. */
  sequence(model: string): string {
    return sequenceKey(`{${this.storeId}:${model}}`);
  }

  /** The shard that holds an object. The unique id decides it for ever: CRC-32 of its UTF-8 bytes, modulo the shards. */
  shardOf(uid: string): number {
    return this.shards === 1 ? 0 : crc32(uid) % this.shards;
  }

  /** Matches the keys of all models and their objects, and perhaps others, as a pattern of SCAN. */
  get pattern(): string {
    return `diffsync*:${this.layout.cluster ? '{' : ''}${escaped(this.storeId)}:*`;
  }

  /** @returns undefined for a key that this store does not have. */
  parse(key: Buffer): ParsedKey | undefined {
    for (const kind of ['diffsync', 'diffsync.index', 'diffsync.state']) {
      const head = Buffer.from(`${kind}:${this.layout.cluster ? '{' : ''}${this.storeId}:`);
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

  private withObjects(
    declared: (number | string | Buffer)[],
    prefix: string,
    items: readonly (string | Buffer)[],
    step: number,
  ): (number | string | Buffer)[] {
    if (!this.layout.cluster) return declared;
    for (let at = 0; at < items.length; at += step) {
      const uid = items[at] as string | Buffer;
      declared.push(typeof uid === 'string' ? prefix + uid : Buffer.concat([Buffer.from(prefix), uid]));
    }
    declared[0] = declared.length - 1;
    return declared;
  }

  private build(model: string): ModelKeys[] {
    const { cluster, shards } = this.layout;
    return Array.from({ length: shards }, (_, shard) => {
      const name = `${this.storeId}:${model}${shards === 1 ? '' : `:${shard}`}`;
      return keysOfName(cluster ? `{${name}}` : name);
    });
  }
}

/** A text as a pattern of SCAN that matches nothing else. */
export function escaped(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

/** Set: names of the models of a store. */
export function modelsKey(storeId: string): string {
  return `diffsync.models:${storeId}`;
}

/** Hash: who holds the lease of a store, and its fence. */
export function leaseKey(storeId: string): string {
  return `diffsync.lease:${storeId}`;
}

/** @param name - What follows the kind in the keys of a model or shard; in braces on a cluster. */
export function keysOfName(name: string): ModelKeys {
  return {
    index: `diffsync.index:${name}`,
    state: `diffsync.state:${name}`,
    log: `diffsync.changes:${name}`,
    prefix: `diffsync:${name}:`,
  };
}

/** Counter: the sequence number that was given last. @param name - That of a split model as a whole, in braces. */
export function sequenceKey(name: string): string {
  return `diffsync.places:${name}`;
}

/** Parses a key that matches `METADATA_PATTERN`, of whatever store. */
export function parseMetadataKey(key: string): StoreKey {
  const [, kind, name = ''] = /^diffsync\.(models|lease|index|state|changes|places):(.+)$/s.exec(key) ?? [];
  if (kind === 'models' || kind === 'lease') return { id: /^[^:{}]+$/.exec(name)?.[0], name };
  const [, plainId, plainModel, id = plainId, model = plainModel] = NAME.exec(name) ?? [];
  return { id, model, name };
}

/** Parses the key of an object, of whatever store. @returns what names its model or shard, and the bytes of its unique id. */
export function parseObjectKey(key: Buffer): { readonly name: string; readonly uid: Buffer } | undefined {
  const [start, name] = OBJECT.exec(key.toString('latin1')) ?? [];
  if (start === undefined || name === undefined) return undefined;
  return { name: Buffer.from(name, 'latin1').toString(), uid: key.subarray(start.length) };
}
