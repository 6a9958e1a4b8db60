import type { Steps } from '../../async/steps.js';
import type { PairNode } from './pair-node.js';
import { matchingUids, UIDS_PER_STEP, type UidMatches } from './pairing.js';
import { parentKey, type Homes, type SharedChildren, type SideName } from './shared-children.js';
import type { VisitedObjects } from './visited.js';

/** One parent's children of one type, as each side's list names them. */
export interface ListedChildren {
  readonly node: PairNode;
  readonly type: string;
  readonly src: readonly string[];
  readonly dst: readonly string[];
}

/** The children of one type that one side lists under a parent. */
export interface ChildUids {
  /** The children that are compared under this parent, each once. */
  readonly owned: readonly string[];
  /** How often the parent's list names the owned children. */
  readonly occurrences: number;
  /** The children that are compared under another parent. They must exist all the same. */
  readonly claimedElsewhere: readonly string[];
}

/** The children of one parent and type that are compared, and how both sides' go together. */
export interface ChildList {
  readonly node: PairNode;
  readonly type: string;
  readonly src: ChildUids;
  readonly dst: ChildUids;
  readonly matches: UidMatches;
}

/** A list of which the children that both sides name are claimed, and the others not yet. */
interface OpenList extends ListedChildren {
  readonly matches: UidMatches;
  /** Children that both sides name, and that are compared under another parent on a side: whether the source's is here. */
  readonly contested: ReadonlyMap<string, boolean> | undefined;
  /** Children with a home: those that are compared here, and all that one or both sides name. */
  readonly homed:
    | { readonly here: readonly string[]; readonly src: Set<string>; readonly dst: Set<string> }
    | undefined;
}

/**
 * Decides under which parent an object is compared that several parents list: the first, and where it can be one that lists
 * it on both sides. So all lists of a level first claim what both sides name, and then the rest.
 */
export class ChildClaims {
  constructor(
    private readonly visited: Readonly<Record<SideName, VisitedObjects>>,
    private readonly shared: SharedChildren,
    private readonly homes: Homes,
  ) {}

  /** Claims the children of a level. @returns the lists in the given order. */
  *claiming(lists: readonly ListedChildren[]): Steps<ChildList[]> {
    const open: OpenList[] = [];
    for (const list of lists) {
      yield;
      open.push(yield* this.claimingMatched(list));
    }
    const claimed: ChildList[] = [];
    for (const list of open) {
      yield;
      claimed.push(yield* this.claimingRest(list));
    }
    return claimed;
  }

  private *claimingMatched(listed: ListedChildren): Steps<OpenList> {
    const { homed, ...list } = this.takeHomed(listed);
    const { type, src, dst } = list;
    const matches = yield* matchingUids(src, dst);
    let contested: Map<string, boolean> | undefined;
    for (let at = 0; at < src.length; at++) {
      if (at % UIDS_PER_STEP === UIDS_PER_STEP - 1) yield;
      if (matches.partners[at] === -1) continue;
      const uid = src[at] as string;
      const isOurs = this.visited.src.markVisited(type, uid);
      if (isOurs && this.visited.dst.markVisited(type, uid)) continue;
      (contested ??= new Map<string, boolean>()).set(uid, isOurs);
    }
    return { ...list, matches, contested, homed };
  }

  private *claimingRest(list: OpenList): Steps<ChildList> {
    const { node, type, src, dst, matches, contested, homed } = list;
    const claimed = { src: new Array<string>(), dst: new Array<string>() };
    if (contested === undefined && homed === undefined && (yield* this.claimingUnmatched(list, claimed))) {
      return { node, type, src: allOwned(src), dst: allOwned(dst), matches };
    }
    const claimedHere = { src: new Set(claimed.src), dst: new Set(claimed.dst) };
    const matched = new Set<string>();
    for (let at = 0; at < src.length; at++) {
      if (at % UIDS_PER_STEP === UIDS_PER_STEP - 1) yield;
      if (matches.partners[at] !== -1) matched.add(src[at] as string);
    }
    const claim = (side: SideName, uid: string): boolean => {
      if (matched.has(uid)) {
        const isSource = contested?.get(uid);
        if (isSource === undefined) return true;
        if (side === 'src') return isSource;
        // The source's is here, so the target's is elsewhere.
        if (isSource) return false;
      }
      return claimedHere[side].has(uid) || this.visited[side].markVisited(type, uid);
    };
    const [ours, theirs] = [
      yield* this.splitting('src', node, type, src, homed?.here, claim),
      yield* this.splitting('dst', node, type, dst, homed?.here, claim),
    ];
    const here = new Set(homed?.here);
    for (const side of ['src', 'dst'] as const) {
      const elsewhere = [...(homed?.[side] ?? [])].filter((uid) => !here.has(uid));
      const claimed = (side === 'src' ? ours : theirs).claimedElsewhere;
      for (const uid of elsewhere) claimed.push(uid);
    }
    return { node, type, src: ours, dst: theirs, matches: yield* matchingUids(ours.owned, theirs.owned) };
  }

  /**
   * Claims what only one side names.
   * @param claimed gets what is claimed.
   * @returns whether that is all: most lists name nothing twice, and nothing that is compared elsewhere.
   */
  private *claimingUnmatched(
    { type, src, dst, matches: { partners, rest } }: OpenList,
    claimed: Readonly<Record<SideName, string[]>>,
  ): Steps<boolean> {
    for (let at = 0; at < src.length; at++) {
      if (at % UIDS_PER_STEP === UIDS_PER_STEP - 1) yield;
      if (partners[at] !== -1) continue;
      if (!this.visited.src.markVisited(type, src[at] as string)) return false;
      claimed.src.push(src[at] as string);
    }
    for (let at = 0; at < rest.length; at++) {
      if (at % UIDS_PER_STEP === UIDS_PER_STEP - 1) yield;
      const uid = dst[rest[at] as number] as string;
      if (!this.visited.dst.markVisited(type, uid)) return false;
      claimed.dst.push(uid);
    }
    return true;
  }

  /** Parts a side's list into the children that are compared here and those that are compared elsewhere. */
  private *splitting(
    side: SideName,
    node: PairNode,
    type: string,
    uids: readonly string[],
    here: readonly string[] | undefined,
    claim: (side: SideName, uid: string) => boolean,
  ): Steps<ChildUids & { readonly claimedElsewhere: string[] }> {
    const owned: string[] = [];
    const elsewhere: string[] = [];
    const seen = new Map<string, boolean>();
    let occurrences = 0;
    for (const uid of uids) {
      if (seen.size % UIDS_PER_STEP === 0) yield;
      const known = seen.get(uid);
      const isOwned = known ?? claim(side, uid);
      seen.set(uid, isOwned);
      if (isOwned) occurrences++;
      if (known !== undefined) continue;
      if (isOwned) owned.push(uid);
      else {
        elsewhere.push(uid);
        this.shared.addListing(type, uid, node, side);
      }
    }
    for (const uid of here ?? []) owned.push(uid);
    return { owned, occurrences: occurrences + (here?.length ?? 0), claimedElsewhere: elsewhere };
  }

  /** Takes out the children that have a home. At home both sides' objects are compared, whichever side lists them there. */
  private takeHomed(listed: ListedChildren): ListedChildren & Pick<OpenList, 'homed'> {
    const homes = this.homes.get(listed.type);
    const { node, type } = listed;
    if (homes === undefined) return { ...listed, homed: undefined };
    const [src, dst] = [listed.src, listed.dst].map((uids) => new Set(uids.filter((uid) => homes.has(uid)))) as [
      Set<string>,
      Set<string>,
    ];
    if (src.size + dst.size === 0) return { ...listed, homed: undefined };
    const key = parentKey(node);
    const here: string[] = [];
    for (const uid of new Set([...src, ...dst])) {
      const isHere = homes.get(uid) === key && this.visited.src.markVisited(type, uid);
      if (isHere) {
        this.visited.dst.markVisited(type, uid);
        here.push(uid);
      }
      if (isHere && src.has(uid) && dst.has(uid)) continue;
      if (src.has(uid)) this.shared.addListing(type, uid, node, 'src');
      if (dst.has(uid)) this.shared.addListing(type, uid, node, 'dst');
    }
    const isFree = (uid: string): boolean => !homes.has(uid);
    return { node, type, src: listed.src.filter(isFree), dst: listed.dst.filter(isFree), homed: { here, src, dst } };
  }
}

function allOwned(uids: readonly string[]): ChildUids {
  return { owned: uids, occurrences: uids.length, claimedElsewhere: [] };
}
