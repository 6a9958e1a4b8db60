/** The names of all options of a type, so that one that is added to the type must be added here too. */
export type OptionNames<T> = Readonly<Record<keyof T & string, true>>;

/** Returns the camelCase spelling of a name in Python's style, without underscores at its ends. */
export function camelCase(name: string): string {
  return name.replaceAll(/^_+|_+$/g, '').replaceAll(/_+(.)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Returns the first name that is none of an option's, and the name that was probably meant. */
export function findUnknownOption(
  options: object,
  known: Readonly<Record<string, true>>,
  renamed: Readonly<Record<string, string>> = {},
): { readonly name: string; readonly meant: string | undefined } | undefined {
  const name = Object.keys(options).find((key) => !Object.hasOwn(known, key));
  if (name === undefined) return undefined;
  const spelled = camelCase(name);
  const meant = Object.hasOwn(renamed, name) ? renamed[name] : Object.hasOwn(known, spelled) ? spelled : undefined;
  return { name, meant };
}

/** Says which option is meant, or which there are. */
export function optionHint(meant: string | undefined, known: Readonly<Record<string, true>>): string {
  return meant === undefined
    ? `the options are ${Object.keys(known).toSorted().join(', ')}`
    : `it is called "${meant}" here`;
}
