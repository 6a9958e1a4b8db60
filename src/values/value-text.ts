import { inspect } from 'node:util';
import { hasTooManyParts, TOO_MANY_PARTS } from './shared-parts.js';
import { visibleText } from './visible-text.js';

/** Returns the whole value in one line, or why it is not: shared parts that are too many to be written out. A text is in quotes. */
export function quotedValue(value: unknown): string {
  if (hasTooManyParts(value)) return `(${TOO_MANY_PARTS})`;
  const bounds = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity };
  return visibleText(inspect(value, { ...bounds, breakLength: Infinity, compact: true }));
}

/** Returns the texts of two different values; both quoted where they would be equal, as those of `'1'` and `1`. */
export function differentTexts(one: unknown, other: unknown): [one: string, other: string] {
  const texts: [string, string] = [plainValue(one), plainValue(other)];
  return texts[0] === texts[1] ? [quotedValue(one), quotedValue(other)] : texts;
}

function plainValue(value: unknown): string {
  return typeof value === 'string' ? visibleText(value) : quotedValue(value);
}
