import { inspect } from 'node:util';

/** What is shown in place of a secret value. */
export const SECRET_TEXT = '[secret]';

/**
 * Stands for a secret value where a plan has been loaded, because no plan has it. Two different values of one attribute are two
 * different stand-ins.
 */
export class HiddenValue {
  static readonly source = new HiddenValue('source');
  static readonly target = new HiddenValue('target');

  private constructor(readonly side: 'source' | 'target') {}

  toJSON(): string {
    return SECRET_TEXT;
  }

  toString(): string {
    return SECRET_TEXT;
  }

  [inspect.custom](): string {
    return SECRET_TEXT;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Returns fields as they are shown to people. @param secret - the names of those whose values are not shown. */
export function withoutSecrets<F extends object | null | undefined>(
  fields: F,
  secret: ReadonlySet<string> | undefined,
): F {
  if (fields === null || fields === undefined || secret === undefined) return fields;
  const shown = Object.entries(fields).map(([name, value]) => [name, secret.has(name) ? SECRET_TEXT : value]);
  return Object.fromEntries(shown) as F;
}

/**
 * Replaces secret values in a text that others have made: a schema, a comparison or a hook may repeat what it was given.
 * @param given - fields, of which the secret ones are looked for.
 */
export function hideSecrets(
  text: string,
  secret: Iterable<string>,
  given: readonly (Fields | null | undefined)[],
): string {
  return hideTexts(text, secretTexts(secret, given));
}

/** Returns the secret values of fields in the forms in which a message may have them. */
export function secretTexts(
  secret: Iterable<string>,
  given: readonly (Fields | null | undefined)[],
): ReadonlySet<string> {
  const values = new Set<string>();
  for (const name of secret) {
    for (const fields of given) {
      if (fields !== null && fields !== undefined && Object.hasOwn(fields, name)) addTexts(fields[name], values);
    }
  }
  return values;
}

/** Replaces texts by what stands for a secret. */
export function hideTexts(text: string, secrets: Iterable<string>): string {
  let shown = text;
  // The longest first: a shorter one may be part of it.
  for (const value of [...secrets].toSorted((a, b) => b.length - a.length)) {
    shown = shown.replaceAll(value, SECRET_TEXT);
  }
  return shown;
}

/** What is shown of errors that are passed on as they were thrown, and have secret values in their messages. */
const shownMessages = new WeakMap<Error, string>();

/** Notes what is shown in place of the message of an error. */
export function hideMessage(error: Error, shown: string): void {
  if (shown !== error.message) shownMessages.set(error, shown);
}

/** Returns the message of an error as it is logged and kept in a history. */
export function shownMessage(error: Error): string {
  return shownMessages.get(error) ?? error.message;
}

/** Adds the texts of a value and of all that it contains, in the forms in which a message may have them. */
function addTexts(value: unknown, texts: Set<string>): void {
  const open: unknown[] = [value];
  const seen = new Set<unknown>();
  for (let each = open.pop(); open.length > 0 || each !== undefined; each = open.pop()) {
    if (typeof each === 'object' && each !== null) {
      if (seen.has(each)) continue;
      seen.add(each);
      if (each instanceof Uint8Array) texts.add(Buffer.from(each).toString()).add(Buffer.from(each).toString('base64'));
      else if (each instanceof Date) texts.add(String(each)).add(inspect(each));
      else if (each instanceof Map) for (const pair of each) open.push(pair[0], pair[1]);
      else if (each instanceof Set) for (const item of each) open.push(item);
      else for (const item of Object.values(each)) open.push(item);
    } else if (typeof each === 'string') {
      for (const text of [each, JSON.stringify(each).slice(1, -1), inspect(each).slice(1, -1)]) texts.add(text);
    } else if (typeof each === 'number' || typeof each === 'bigint') texts.add(String(each));
  }
  texts.delete('');
}
