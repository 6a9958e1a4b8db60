import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DiffSyncModel, DiffSyncModelFlags, ValueError } from '../../src/index.js';
import { copyRecord, fromRecord, toRecord } from '../../src/record/model-record.js';

class Box extends DiffSyncModel.define({
  name: 'box',
  schema: z.object({ id: z.string(), value: z.unknown() }),
  identifiers: ['id'],
  attributes: ['value'],
}) {}

describe('toRecord()', () => {
  it('shares nothing with the object', () => {
    const box = new Box({ id: 'b', value: { list: [1] } });
    const record = toRecord(box);
    (box.value as { list: number[] }).list.push(2);
    expect(record).toEqual({ uid: 'b', data: { id: 'b', value: { list: [1] } } });
  });

  it('holds the flags only where they are not the default', () => {
    const box = new Box({ id: 'b', value: 1 });
    expect(toRecord(box)).not.toHaveProperty('flags');
    box.modelFlags = DiffSyncModelFlags.IGNORE;
    expect(toRecord(box).flags).toBe(1);
  });

  it.each<[string, unknown, string]>([
    ['a function', { a: [() => 1] }, 'the value of value.a[0] is a function and cannot be stored'],
    ['a symbol', Symbol('s'), 'the value of value is a symbol'],
    ['a class instance', new URL('http://localhost'), 'the value of value is an instance of URL'],
  ])('of %s throws ValueError naming model, unique id and path', (_, value, message) => {
    const box = new Box({ id: 'the uid', value: 1 });
    box.value = value;
    expect(() => toRecord(box)).toThrow(ValueError);
    expect(() => toRecord(box)).toThrow(`box "the uid": ${message}`);
  });

  it('of a field that throws when it is read throws ValueError with the cause', () => {
    const box = new Box({ id: 'b', value: 1 });
    const cause = new Error('not now');
    box.value = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw cause;
      },
    });
    let error: unknown;
    try {
      toRecord(box);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ValueError);
    expect(error).toMatchObject({ cause, message: 'box "b": the value of value cannot be read' });
  });
});

describe('fromRecord()', () => {
  it('gives back what toRecord() took', () => {
    const box = new Box({ id: 'b', value: new Map([[1n, new Date(0)]]) });
    box.modelFlags = DiffSyncModelFlags.IGNORE;
    const back = fromRecord(Box, toRecord(box));
    expect(back).toBeInstanceOf(Box);
    expect(back.toDict()).toEqual(box.toDict());
    expect(back.modelFlags).toBe(DiffSyncModelFlags.IGNORE);
  });
});

describe('copyRecord()', () => {
  it('shares nothing with the other record', () => {
    const record = { uid: 'b', data: { list: [1] }, flags: 1 };
    const copy = copyRecord(record);
    record.data.list.push(2);
    expect(copy).toEqual({ uid: 'b', data: { list: [1] }, flags: 1 });
  });

  it('keeps an own key __proto__ as data', () => {
    const data = JSON.parse('{"__proto__":{"x":1}}') as Record<string, unknown>;
    const copy = copyRecord({ uid: 'b', data });
    expect(Object.keys(copy.data)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(copy.data)).toBe(Object.prototype);
  });
});
