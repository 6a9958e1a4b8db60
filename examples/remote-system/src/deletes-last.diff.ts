import { Diff, type DiffElement } from 'nestjs-diffsync';

/** Shows and applies changes of a group by name, and what is deleted after everything else. */
export class DeletesLastDiff extends Diff {
  protected override orderChildren(_group: string, elements: readonly DiffElement[]): DiffElement[] {
    const isDelete = ({ action }: DiffElement): number => (action === 'delete' ? 1 : 0);
    return elements.toSorted((a, b) => isDelete(a) - isDelete(b) || a.name.localeCompare(b.name, 'en'));
  }
}
