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
    for (const uid of uids) {
      const child = await adapter.getOrNone(type, uid);
      lines.push(
        child === null ? `${margin}    ${uid} (ERROR: details unavailable)` : await child.str(true, indent + 4),
      );
    }
  }
  return lines.join('\n');
}
