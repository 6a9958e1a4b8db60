import { ObjectNotFound } from '../errors.js';
import type { ObjectView } from '../model/object-view.js';
import type { Place, Places } from './places.js';
import type { Side } from './side.js';

/** The children of one type that a parent lists, as one side has them. */
export interface Listing {
  readonly uids: readonly string[];
  /** Those that have their place here: what the level reads of the type, from here to there. */
  readonly from: number;
  readonly to: number;
}

/** What a level reads of one type. */
interface Kind {
  /** Met for the first time, in the order of meeting. */
  readonly placed: string[];
  /** Listed again, here or after another level: without a place of their own, but they must be there. */
  readonly repeated: Set<string>;
  objects: readonly (ObjectView | undefined)[];
  missing: ReadonlySet<string>;
}

/** The children of many parents on one side: listed first, then read together, then given back parent by parent. */
export class Level {
  private readonly kinds = new Map<string, Kind>();

  constructor(
    private readonly side: Side,
    private readonly places: Places,
  ) {}

  /** Gives each that is met for the first time its place. */
  list(type: string, uids: readonly string[]): Listing {
    const { placed, repeated } = this.kind(type);
    const from = placed.length;
    for (const uid of uids) {
      if (this.places.meet(type, uid)) placed.push(uid);
      else repeated.add(uid);
    }
    return { uids, from, to: placed.length };
  }

  async read(): Promise<void> {
    for (const [type, kind] of this.kinds) {
      const { placed, repeated } = kind;
      if (placed.length + repeated.size === 0) continue;
      const uids = repeated.size === 0 ? placed : [...new Set([...placed, ...repeated])];
      kind.objects = await this.side.store.view(type, uids);
      kind.missing = new Set(uids.filter((_, at) => kind.objects[at] === undefined));
    }
  }

  /**
   * The objects that have their place below `parent`; `listed` counts their repeats too.
   * @throws ObjectNotFound; DiffCycle when one stands above itself.
   */
  objects(
    parent: Place,
    type: string,
    { uids, from, to }: Listing,
  ): { objects: readonly ObjectView[]; listed: number } {
    const { placed, objects, missing } = this.kind(type);
    let listed = to - from;
    if (listed < uids.length || missing.size > 0) {
      const own = new Set(placed.slice(from, to));
      listed = 0;
      for (const uid of uids) {
        if (missing.has(uid)) throw new ObjectNotFound(`${type} ${uid} not present in ${String(this.side.store)}`);
        if (own.has(uid)) listed++;
        else this.places.checkBelow(parent, type, uid);
      }
    }
    return { objects: objects.slice(from, to) as ObjectView[], listed };
  }

  private kind(type: string): Kind {
    let kind = this.kinds.get(type);
    if (kind === undefined) {
      this.kinds.set(type, (kind = { placed: [], repeated: new Set(), objects: [], missing: new Set() }));
    }
    return kind;
  }
}
