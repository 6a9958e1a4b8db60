import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EncodedRecord } from '../../src/record/encoded-record.js';
import { haveSameEncoding } from '../../src/record/record-equality.js';
import { encodeRecord } from '../../src/record/record-codec.js';

const damaged = (uid: string, cause: unknown): Error => new Error(`damaged: ${uid}`, { cause });
const record = (text: string): EncodedRecord => new EncodedRecord('u', text, damaged);

describe('EncodedRecord', () => {
  it('holds what its JSON text encodes', () => {
    const fields = fc.dictionary(
      fc.string(),
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    );
    fc.assert(
      fc.property(fields, fc.option(fc.nat(31), { nil: undefined }), (data, flags) => {
        const text = encodeRecord({ uid: 'u', data, flags });
        const found = record(text);
        expect([found.flags, found.data]).toEqual([flags, data]);
      }),
    );
  });

  it('throws at once for text that is no JSON object', () => {
    for (const text of ['', '7', 'null', '[]', '"{}"', '{"cut":']) {
      expect(() => record(text)).toThrow('damaged: u');
    }
  });

  it('throws for other damage when its data is read, each time, with the cause', () => {
    const found = record('{"a":}');
    for (let time = 0; time < 2; time++) {
      expect(() => found.data).toThrow(expect.objectContaining({ message: 'damaged: u', cause: expect.any(Error) }));
    }
    expect(() => record('{"$diffsync":"object","flags":"x","v":{}}').flags).toThrow('damaged: u');
  });
});

it('haveSameEncoding() compares nothing but the JSON text', () => {
  expect(haveSameEncoding(record('{"a":}'), record('{"a":}'))).toBe(true);
  expect(haveSameEncoding(record('{"a":1}'), record('{"a":2}'))).toBe(false);
  expect(haveSameEncoding({ uid: 'u', data: {} }, record('{}'))).toBe(false);
});
