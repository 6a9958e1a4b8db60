import { ModelDefinitionError } from '../errors.js';
import { camelCase } from '../values/option-names.js';

/** A class, as far as the names of its members matter. */
export interface NamedClass {
  readonly name: string;
  readonly prototype: object;
}

const checked = new WeakSet<object>();

/**
 * Checks that a class spells no member as Python's diffsync does: nothing would call it, or read it.
 * @param base - the class of this package that it extends.
 * @param renamed - members with another name here.
 * @throws {ModelDefinitionError} (MODEL_DEFINITION) that names the member, and what it is called here.
 */
export function checkMemberNames(
  owner: NamedClass,
  base: NamedClass,
  renamed: Readonly<Record<string, string>> = {},
): void {
  if (checked.has(owner)) return;
  for (const [at, end] of [
    [owner, base],
    [owner.prototype, base.prototype],
  ] as const) {
    for (
      let level: object | null = at;
      level !== null && level !== end;
      level = Object.getPrototypeOf(level) as object
    ) {
      for (const name of Object.getOwnPropertyNames(level)) {
        const meant = meantName(name, end, renamed);
        if (meant === undefined) continue;
        throw new ModelDefinitionError(`class ${owner.name}: "${name}" is Python's name; it is called "${meant}" here`);
      }
    }
  }
  checked.add(owner);
}

function meantName(name: string, base: object, renamed: Readonly<Record<string, string>>): string | undefined {
  if (!name.includes('_')) return undefined;
  if (Object.hasOwn(renamed, name)) return renamed[name];
  if (name.startsWith('order_children_')) return 'orderChildren' in base ? 'orderChildren' : undefined;
  const spelled = camelCase(name);
  return spelled !== name && spelled in base ? spelled : undefined;
}
