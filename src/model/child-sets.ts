/** The unique ids of an object's child lists, so that a look-up does not walk a list. */
export class ChildSets {
  /** Field -> the list seen last. */
  private readonly seen = new Map<string, { readonly list: readonly string[]; readonly uids: Set<string> }>();

  /** Returns the unique ids of a field's list. The caller keeps them equal when it changes the list. */
  uidsOf(field: string, list: readonly string[]): Set<string> {
    const known = this.seen.get(field);
    if (known !== undefined && known.list === list && known.uids.size === list.length) return known.uids;
    const uids = new Set(list);
    this.seen.set(field, { list, uids });
    return uids;
  }
}
