import { inspect } from 'node:util';
import { childUids } from './model-fields.js';
import type { ModelInstance } from './model-types.js';

/** Where the children of a described object are read. */
interface ChildSource {
  getOrNone(
    model: string,
    identifier: string,
  ): Promise<{ str(includeChildren: boolean, indent: number): Promise<string> } | null>;
}

/** Children of one object that are read at once. */
const READ_AT_ONCE = 1000;

/** @returns the text of `DiffSyncModel.str`: the object's attributes, and its children as the adapter has them. */
export async function describeModel(
  model: ModelInstance,
  adapter: ChildSource | undefined,
  includeChildren: boolean,
  indent: number,
): Promise<string> {
  const margin = ' '.repeat(indent);
  const lines = [
    `${margin}${model.getType()}: ${model.getUniqueId()}: ${inspect(model.getAttrs(), { breakLength: Infinity })}`,
  ];
  for (const [type, field] of Object.entries(model.getChildrenMapping())) {
    const uids = childUids(model, field);
    if (uids.length === 0 || adapter === undefined || !includeChildren) {
      lines.push(`${margin}  ${field}: ${inspect(uids, { breakLength: Infinity })}`);
      continue;
    }
    lines.push(`${margin}  ${field}`);
    for (let at = 0; at < uids.length; at += READ_AT_ONCE) {
      const some = uids.slice(at, at + READ_AT_ONCE);
      // Reads that begin together are one call of a store.
      const children = await Promise.all(some.map((uid) => adapter.getOrNone(type, uid)));
      for (const [index, child] of children.entries()) {
        lines.push(
          child === null
            ? `${margin}    ${some[index]} (ERROR: details unavailable)`
            : await child.str(true, indent + 4),
        );
      }
    }
  }
  return lines.join('\n');
}
