import { ValueError } from '../errors.js';
import { isDeepEqual } from '../values/deep-equal.js';
import type { DiffSyncModel } from './diffsync-model.js';
import { classOf } from './model-class.js';
import { assignFields, fieldOf } from './model-fields.js';

/**
 * Sets attributes of an object, without validation.
 * @returns whether a value changed.
 * @throws {ValueError} (VALUE_ERROR) for a name that is no attribute of the object; then no attribute is set.
 */
export function assignAttributes(obj: DiffSyncModel, attrs: object): boolean {
  const { identifiers, attributes } = classOf(obj).definition;
  const changed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(attrs)) {
    if (isDeepEqual(fieldOf(obj, name), value) && Object.hasOwn(obj, name)) continue;
    if (identifiers.includes(name)) {
      throw new ValueError(`${obj.getType()} "${obj.getUniqueId()}": "${name}" is an identifier and cannot be changed`);
    }
    if (!Object.hasOwn(obj, name) && !attributes.includes(name)) {
      throw new ValueError(`${obj.getType()} "${obj.getUniqueId()}" has no attribute "${name}"`);
    }
    changed[name] = value;
  }
  assignFields(obj, changed);
  return Object.keys(changed).length > 0;
}
