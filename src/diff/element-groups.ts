import { ObjectAlreadyExists } from '../errors.js';

/** What a group needs to know of an element. */
interface GroupedElement {
  readonly type: string;
  readonly name: string;
  readonly linkOnly: boolean;
}

/**
 * Elements in groups by type, each in the order of `add`. A link-only element may stand beside the element of the same object,
 * and comes after the ordinary elements of its group.
 */
export class ElementGroups<E extends GroupedElement> {
  private readonly objects = new Map<string, Map<string, E>>();
  /** Few diffs have any. */
  private links: Map<string, Map<string, E>> | undefined;

  /** The types, in the order of their first `add`. */
  names(): string[] {
    return [...this.objects.keys()];
  }

  /** @throws ObjectAlreadyExists if there is an element of this type and name, and as link-only as this one. */
  add(element: E): void {
    const { type, name, linkOnly } = element;
    const objects = groupOf(this.objects, type);
    const group = linkOnly ? groupOf((this.links ??= new Map<string, Map<string, E>>()), type) : objects;
    const existingElement = group.get(name);
    if (existingElement !== undefined)
      throw Object.assign(new ObjectAlreadyExists(`Already storing a ${type} named ${name}`), { existingElement });
    group.set(name, element);
  }

  /** Takes out an ordinary element. */
  remove({ type, name }: E): void {
    this.objects.get(type)?.delete(name);
  }

  /** All elements, in any order. */
  *all(): Generator<E, void, undefined> {
    for (const group of this.objects.values()) yield* group.values();
    for (const group of this.links?.values() ?? []) yield* group.values();
  }

  /** The elements group by group, each as `order` returns it. */
  inOrder(order: (type: string, elements: readonly E[]) => Iterable<E>): E[] {
    let all: E[] | undefined;
    for (const type of this.objects.keys()) {
      const ordered = order(type, this.of(type));
      const group = Array.isArray(ordered) ? (ordered as E[]) : [...ordered];
      all = all === undefined ? group : all.concat(group);
    }
    return all ?? [];
  }

  private of(type: string): E[] {
    const objects = [...(this.objects.get(type)?.values() ?? [])];
    const links = this.links?.get(type);
    return links === undefined ? objects : [...objects, ...links.values()];
  }
}

function groupOf<E>(groups: Map<string, Map<string, E>>, type: string): Map<string, E> {
  let group = groups.get(type);
  if (group === undefined) groups.set(type, (group = new Map<string, E>()));
  return group;
}
