/**
 * The outside world behind a target: it does what hooks say, and refuses what a real system would: an object that is there
 * already, one that is not there, a link to or from what is not there. So the order of the calls shows.
 */
export class Platform {
  /** Every call in its order, as `create host h1` or `link group g1 > host h1`. */
  readonly calls: string[] = [];
  readonly objects = new Map<string, Readonly<Record<string, unknown>>>();
  /** What was refused. The hooks that were refused throw as well, but a sync may go on. */
  readonly refused: string[] = [];

  /** @param needs the keys of the objects one of which must be there before an object is created; none for an object without. */
  constructor(
    objects: Iterable<readonly [key: string, attrs: object]>,
    private readonly needs: ReadonlyMap<string, readonly string[]> = new Map(),
  ) {
    for (const [key, attrs] of objects) this.objects.set(key, { ...attrs });
  }

  create(key: string, attrs: object): void {
    this.calls.push(`create ${key}`);
    this.check(!this.objects.has(key), `create ${key}: it is there`);
    const parents = this.needs.get(key) ?? [];
    this.check(
      parents.length === 0 || parents.some((each) => this.objects.has(each)),
      `create ${key}: no parent of it`,
    );
    this.objects.set(key, { ...attrs });
  }

  update(key: string, attrs: object): void {
    this.calls.push(`update ${key}`);
    this.check(this.objects.has(key), `update ${key}: it is not there`);
    this.objects.set(key, { ...this.objects.get(key), ...attrs });
  }

  delete(key: string): void {
    this.calls.push(`delete ${key}`);
    this.check(this.objects.delete(key), `delete ${key}: it is not there`);
  }

  link(parent: string, child: string): void {
    this.calls.push(`link ${parent} > ${child}`);
    for (const key of [parent, child]) this.check(this.objects.has(key), `link ${parent} > ${child}: no ${key}`);
  }

  unlink(parent: string, child: string): void {
    this.calls.push(`unlink ${parent} > ${child}`);
    for (const key of [parent, child]) this.check(this.objects.has(key), `unlink ${parent} > ${child}: no ${key}`);
  }

  private check(isAllowed: boolean, what: string): void {
    if (isAllowed) return;
    this.refused.push(what);
    throw new Error(what);
  }
}
