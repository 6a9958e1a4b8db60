import { describe, expect, it } from '@jest/globals';
import { ValueError } from '../../src/index.js';
import { checkUniqueId, joinIdentifiers } from '../../src/model/unique-id.js';

describe('joinIdentifiers()', () => {
  it('joins the values as strings with "__", in the order of the definition', () => {
    expect(joinIdentifiers('m', ['a', 'b', 'c', 'd'], { d: '', c: 10n, b: false, a: 0, extra: 1 })).toBe(
      '0__false__10__',
    );
  });

  it.each([
    ['missing', {}],
    ['null', { a: null }],
    ['undefined', { a: undefined }],
    ['only inherited', Object.create({ a: 1 }) as object],
  ])('with an identifier that is %s throws ValueError naming it', (_, ids) => {
    expect(() => joinIdentifiers('m', ['a'], ids)).toThrow(ValueError);
    expect(() => joinIdentifiers('m', ['a'], ids)).toThrow(/m: identifier "a"/);
  });
});

describe('checkUniqueId()', () => {
  it.each(['', 'a', '\u0000', '\u{1F600}', 'x'.repeat(16_384), 'é'.repeat(8192), '\u{1F600}'.repeat(4096)])(
    'takes well-formed text of up to 16 KiB (%#)',
    (uid) => expect(() => checkUniqueId('m', uid)).not.toThrow(),
  );

  it.each([
    ['a lone surrogate', 'a\ud800', /surrogate/],
    ['16 KiB and a byte', 'x'.repeat(16_385), /16 KiB/],
    ['16 KiB and a byte in longer letters', `${'é'.repeat(8192)}x`, /16 KiB/],
    ['what is no string', 1, /string/],
  ])('refuses %s with ValueError', (_, uid, message) => {
    expect(() => checkUniqueId('m', uid)).toThrow(ValueError);
    expect(() => checkUniqueId('m', uid)).toThrow(message);
  });
});
