import { doAtOnce } from '../../async/steps.js';
import type { ComparisonWatch, FinishedWalk } from '../compare/compared-part.js';
import type { PairNode } from '../compare/pair-node.js';
import { ChildIndexWriter, keyOf, type IndexPart, type ObjectRef } from './child-index.js';

/** Writes down which children the parents list that a comparison meets, on either side. */
abstract class WatchedLists implements ComparisonWatch {
  private parent: ObjectRef | undefined;
  private children: ObjectRef[] = [];

  constructor(private readonly onFinish: (walk: FinishedWalk) => Promise<void>) {}

  begin(): void {
    this.parent = undefined;
    this.children = [];
  }

  listed({ element, uid }: PairNode, type: string, src: readonly string[], dst: readonly string[]): void {
    if (this.parent?.[1] !== uid || this.parent[0] !== element.type) this.next([element.type, uid]);
    for (const child of eitherOf(src, dst)) this.children.push([type, child]);
  }

  async finish(walk: FinishedWalk): Promise<void> {
    this.next(undefined);
    await this.onFinish(walk);
  }

  protected abstract note(parent: ObjectRef, children: readonly ObjectRef[]): void;

  private next(parent: ObjectRef | undefined): void {
    if (this.parent !== undefined) this.note(this.parent, this.children);
    this.parent = parent;
    this.children = [];
  }
}

/** Watches a comparison of everything: makes a new index. */
export class FullWatch extends WatchedLists {
  private writer: ChildIndexWriter;

  constructor(
    private readonly partBytes: number,
    onFinish: (walk: FinishedWalk) => Promise<void>,
  ) {
    super(onFinish);
    this.writer = new ChildIndexWriter(partBytes);
  }

  override begin(): void {
    super.begin();
    this.writer = new ChildIndexWriter(this.partBytes);
  }

  takeIndex(): IndexPart[] {
    return this.writer.finish();
  }

  protected override note(parent: ObjectRef, children: readonly ObjectRef[]): void {
    doAtOnce(this.writer.adding(parent, children));
  }
}

/** Watches an incremental comparison: keeps the lists of the parents that it meets. */
export class PartWatch extends WatchedLists {
  readonly lists = new Map<string, readonly ObjectRef[]>();

  override begin(): void {
    super.begin();
    this.lists.clear();
  }

  protected override note(parent: ObjectRef, children: readonly ObjectRef[]): void {
    this.lists.set(keyOf(...parent), children);
  }
}

/** Returns what either list names, each once; mostly both name the same. */
function eitherOf(src: readonly string[], dst: readonly string[]): Iterable<string> {
  const isSame = src.length === dst.length && src.every((uid, at) => uid === dst[at]);
  return isSame ? src : new Set([...src, ...dst]);
}
