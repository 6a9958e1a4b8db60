import { HiddenValue } from '../values/secret.js';
import type { Attrs, AttrsDiffs } from './compared-object.js';

/** What a plan needs to know of an element with secret attributes. */
interface SecretElement {
  readonly secret: ReadonlySet<string> | undefined;
  readonly sourceAttrs: Attrs | null;
  readonly destAttrs: Attrs | null;
  getAttrsDiffs(): AttrsDiffs;
}

/** Attribute -> whether its values differ. */
export type SecretMarks = Readonly<Record<string, boolean>>;

/** Returns the attributes as a plan has them: null in place of each secret value. */
export function withoutValues(attrs: Attrs, secret: ReadonlySet<string> | undefined): Attrs {
  if (secret === undefined) return attrs;
  return Object.fromEntries(Object.entries(attrs).map(([name, value]) => [name, secret.has(name) ? null : value]));
}

/** Returns what a plan says of an element's secret values; undefined where there are none. */
export function secretMarks(element: SecretElement): SecretMarks | undefined {
  const { secret, sourceAttrs, destAttrs } = element;
  if (secret === undefined) return undefined;
  const names = [...secret].filter((name) =>
    [sourceAttrs, destAttrs].some((attrs) => attrs !== null && Object.hasOwn(attrs, name)),
  );
  if (names.length === 0) return undefined;
  const { '-': old = {}, '+': changed = {} } = element.getAttrsDiffs();
  return Object.fromEntries(names.map((name) => [name, Object.hasOwn(old, name) || Object.hasOwn(changed, name)]));
}

/** Puts what stands for secret values into the attributes of a loaded element. */
export function hideValues(source: Attrs | null, dest: Attrs | null, marks: SecretMarks): [Attrs | null, Attrs | null] {
  if (Object.keys(marks).length === 0) return [source, dest];
  const hidden = (attrs: Attrs | null, stands: (differs: boolean) => HiddenValue): Attrs | null => {
    if (attrs === null) return null;
    const fields = Object.entries(attrs).map(([name, value]) => [
      name,
      Object.hasOwn(marks, name) ? stands(marks[name] === true) : value,
    ]);
    return Object.fromEntries(fields) as Attrs;
  };
  return [
    hidden(source, () => HiddenValue.source),
    hidden(dest, (differs) => (differs ? HiddenValue.target : HiddenValue.source)),
  ];
}

/** Whether attributes have values that the plan did not have. */
export function hasHiddenValues(attrs: Attrs): boolean {
  return Object.values(attrs).some((value) => value instanceof HiddenValue);
}
