import type { JSX } from 'preact';
import { count } from '../format.js';

interface CountsProps {
  readonly of: { readonly create: number; readonly update: number; readonly delete: number };
}

/** How many objects are created, updated and deleted. */
export function Counts({ of }: CountsProps): JSX.Element {
  if (of.create + of.update + of.delete === 0) return <span class="muted">no changes</span>;
  return (
    <span class="counts">
      {of.create > 0 && <span class="count-create">{`${count(of.create)} to create`}</span>}
      {of.update > 0 && <span class="count-update">{`${count(of.update)} to update`}</span>}
      {of.delete > 0 && <span class="count-delete">{`${count(of.delete)} to delete`}</span>}
    </span>
  );
}
