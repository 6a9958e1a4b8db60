// What people decide by: every change is visible, and data forges no line of a text.
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { z } from 'zod';
import * as publicNames from '../../src/index.js';
import { Adapter, DiffSyncModel, LocalStore, ObjectNotFound } from '../../src/index.js';
import { checkOptions } from '../../src/store/check-options.js';
import { visibleText } from '../../src/values/visible-text.js';

class Device extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), value: z.unknown(), ports: z.array(z.string()).default([]) }),
  identifiers: ['name'],
  attributes: ['value'],
  children: { port: 'ports' },
}) {}

class Port extends DiffSyncModel.define({
  name: 'port',
  schema: z.object({ name: z.string() }),
  identifiers: ['name'],
}) {}

class Inventory extends Adapter {
  static override readonly models = [Device, Port];
  static override readonly topLevel = ['device'];
}

async function sides(source: unknown, target: unknown, name = 'a'): Promise<[Inventory, Inventory]> {
  const [from, to] = [new Inventory({ name: 'src' }), new Inventory({ name: 'dst' })];
  await from.add(new Device({ name, value: source }));
  await to.add(new Device({ name, value: target }));
  return [from, to];
}

async function valuesShown(source: unknown, target: unknown): Promise<(string | undefined)[]> {
  const [from, to] = await sides(source, target);
  const lines = (await to.diffFrom(from)).toString().split('\n');
  expect(lines).toHaveLength(3);
  return /src\((.*)\) {4}dst\((.*)\)$/.exec(lines[2] ?? '')?.slice(1) ?? [];
}

const HOSTILE = '\u001b[2K\n\t\u007f\u009b\u2028\u2029\u202e\u2066\u061c';
// eslint-disable-next-line no-control-regex
const OBEYED = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe('a diff', () => {
  const list = Array.from({ length: 150 }, (_, at) => at);

  it.each<[string, unknown, unknown]>([
    ['a list', list.with(120, 4000), list],
    ['a set', new Set([...list, 4000]), new Set([...list, 4001])],
    ['a map', new Map(list.map((at) => [at, at === 120 ? 4000 : at])), new Map(list.map((at) => [at, at]))],
    ['a text in a list', [`${'x'.repeat(12_000)}y`], [`${'x'.repeat(12_000)}z`]],
    ['a deep object', { a: { b: { c: { d: { e: 1 } } } } }, { a: { b: { c: { d: { e: 2 } } } } }],
    ['a number and its text', 1, '1'],
    ['a line break and its escape', '\n', '\\n'],
    ['nothing and its name', null, 'null'],
  ])('shows a change anywhere in %s', async (_, source, target) => {
    const [ours, theirs] = await valuesShown(source, target);
    expect(ours).not.toBe(theirs);
  });

  it('shows what a reader obeys or does not see as text, in names and values, in one line each', async () => {
    const [from, to] = await sides(HOSTILE, { [HOSTILE]: [HOSTILE] }, `n${HOSTILE}`);
    const text = (await to.diffFrom(from)).toString();
    expect(text.split('\n')).toHaveLength(3);
    expect(text.replaceAll('\n', '')).not.toMatch(OBEYED);
    const whole = await to.str();
    expect(whole.replaceAll('\n', '')).not.toMatch(OBEYED);
    expect(whole.split('\n').every((line) => !line.startsWith('['))).toBe(true);
  });

  it('of any two different values has different texts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), async (source, target) => {
        const [from, to] = await sides(source, target);
        if (!(await to.diffFrom(from)).hasDiffs()) return;
        const [ours, theirs] = await valuesShown(source, target);
        expect(ours).not.toBe(theirs);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the message of an error', () => {
  const classes = Object.entries<unknown>(publicNames).flatMap(([name, each]): [string, typeof Error][] =>
    typeof each === 'function' && each.prototype instanceof Error ? [[name, each as typeof Error]] : [],
  );

  it('is found in every class', () => expect(classes.length).toBeGreaterThan(20));

  it.each(classes)('of the class %s is escaped where it is made', (_, ErrorClass) => {
    const { message, stack } = new ErrorClass(`a${HOSTILE}\\b`);
    expect(message).toBe('a\\x1b[2K\\n\\t\\x7f\\x9b\\u2028\\u2029\\u202e\\u2066\\u061c\\b');
    expect(stack?.split('\n')[0]).toContain(message);
    expect(visibleText(message)).toBe(message);
  });

  it('holds no line of a name from data', async () => {
    const store = new LocalStore();
    const error: unknown = await store
      .get({ model: 'device', identifier: `n${HOSTILE}` })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ObjectNotFound);
    expect((error as ObjectNotFound).message).not.toMatch(OBEYED);
  });

  it('of options names all issues in one line', () => {
    const check = (): unknown => checkOptions('Store', z.strictObject({ a: z.string() }), { a: 1, b: 2 });
    expect(check).toThrow(/^Store: a: .*string.*; b: no such option$/);
  });
});

it('escapes nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const visible = visibleText(text);
      expect(visible).not.toMatch(OBEYED);
      if (!OBEYED.test(text)) expect(visible).toBe(text);
    }),
  );
});

it('an order that JavaScript would sort is kept by pairs', async () => {
  const [from, byKeys, byPairs] = [new Inventory(), new Inventory(), new Inventory()];
  await from.addMany(['10', '9', 'x', '1'].map((name) => new Device({ name, value: name })));
  const names = async (adapter: Adapter): Promise<string[]> => (await adapter.getAll(Device)).map(({ name }) => name);
  await byKeys.loadFromDict(await from.toDict());
  expect(await names(byKeys)).toEqual(['1', '9', '10', 'x']);
  const pairs = (await from.getAll(Device)).map((obj): [string, object] => [obj.getUniqueId(), obj.toDict()]);
  await byPairs.loadFromDict({ device: pairs });
  expect(await names(byPairs)).toEqual(['10', '9', 'x', '1']);
});
