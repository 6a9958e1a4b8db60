import { inspect } from 'node:util';

/** Control characters, line separators, and what changes the direction of text. */
const HIDDEN = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Escapes what a terminal obeys and what a reader does not see, so that data forges no line of a text that people decide by. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, escapeOf);
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return NAMED[character] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
}

/** Returns the whole value in one line; a text in quotes. */
export function quotedValue(value: unknown): string {
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
