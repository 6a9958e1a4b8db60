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
    const isOwn = Object.hasOwn(obj, name);
    // A key with undefined and no key are the same.
    if (isDeepEqual(isOwn ? fieldOf(obj, name) : undefined, value) && (isOwn || attributes.includes(name))) continue;
    if (identifiers.includes(name)) {
      throw new ValueError(`${obj.getType()} "${obj.getUniqueId()}": "${name}" is an identifier and cannot be changed`);
    }
    if (!isOwn && !attributes.includes(name)) {
      throw new ValueError(`${obj.getType()} "${obj.getUniqueId()}" has no attribute "${name}"`);
    }
    changed[name] = value;
  }
  assignFields(obj, changed);
  return Object.keys(changed).length > 0;
}
