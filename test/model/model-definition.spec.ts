import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { DiffSyncModel, ModelDefinitionError } from '../../src/index.js';
import { isModelName } from '../../src/model/model-definition.js';

const schema = z.object({ name: z.string(), role: z.string(), ports: z.array(z.string()), getAttrs: z.string() });

/** As from JavaScript: the compiler refuses most of what is wrong here. */
function define(options: object): unknown {
  return DiffSyncModel.define({ name: 'device', schema, identifiers: ['name'], ...options } as never);
}

describe('isModelName()', () => {
  it.each(['a', 'Z9', '_', '_a-b', '__proto__', 'constructor'])('takes %j', (name) =>
    expect(isModelName(name)).toBe(true),
  );
  it.each(['', '1', '-a', 'a b', 'a:b', 'ä', 'a\n', 'a.b', undefined, 1])('refuses %j', (name) =>
    expect(isModelName(name)).toBe(false),
  );
});

describe('define()', () => {
  it.each<[string, object, RegExp]>([
    ['a name that is not allowed', { name: 'my device' }, /"my device"/],
    ['no name', { name: undefined }, /name/],
    ['a schema that is none', { schema: { name: 'string' } }, /device.*Standard Schema/],
    ['no schema', { schema: undefined }, /device.*Standard Schema/],
    ['no identifiers', { identifiers: [] }, /device.*"identifiers" is empty/],
    ['an unknown identifier', { identifiers: ['nmae'] }, /device.*"identifiers".*"nmae"/],
    ['an unknown attribute', { attributes: ['rolle'] }, /device.*"attributes".*"rolle"/],
    ['an unknown field for children', { children: { port: 'prts' } }, /device.*"children".*"prts"/],
    ['an unknown field in the shortname', { shortname: ['nmae'] }, /device.*"shortname".*"nmae"/],
    ['a field that is __proto__', { attributes: ['__proto__'] }, /device.*"__proto__"/],
    [
      'an identifier that is an attribute too',
      { attributes: ['name'] },
      /"name" is in both "identifiers" and "attributes"/,
    ],
    [
      'an identifier that lists children too',
      { children: { port: 'name' } },
      /"name" is in both "identifiers" and "children"/,
    ],
    [
      'an attribute that lists children too',
      { attributes: ['ports'], children: { port: 'ports' } },
      /"ports" is in both "attributes" and "children"/,
    ],
    ['an identifier twice', { identifiers: ['name', 'name'] }, /"name" is twice in "identifiers"/],
    ['one field for two kinds of children', { children: { a: 'ports', b: 'ports' } }, /"ports" is twice in "children"/],
    ['a child model with a wrong name', { children: { 'my port': 'ports' } }, /device.*"my port"/],
    ['a field with the name of a method', { attributes: ['getAttrs'] }, /device.*"getAttrs"/],
    ['a field named modelFlags', { attributes: ['modelFlags'] }, /device.*"modelFlags"/],
  ])('with %s throws ModelDefinitionError that says so', (_, options, message) => {
    expect(() => define(options)).toThrow(ModelDefinitionError);
    expect(() => define(options)).toThrow(message);
  });

  it('lets the shortname repeat identifiers and attributes', () => {
    expect(() => define({ attributes: ['role'], shortname: ['name', 'role'] })).not.toThrow();
  });

  it('freezes the definition', () => {
    const Device = define({ attributes: ['role'] }) as { definition: { attributes: string[] } };
    expect(Object.isFrozen(Device.definition)).toBe(true);
    expect(() => Device.definition.attributes.push('x')).toThrow(TypeError);
  });

  it.each([
    ['an open zod object', z.looseObject({ name: z.string() })],
    ['a zod object with a catchall', z.object({ name: z.string() }).catchall(z.string())],
    ['a zod union', z.union([z.object({ name: z.string() }), z.object({ name: z.string(), role: z.string() })])],
    ['an open valibot object', v.looseObject({ name: v.string() })],
    ['an arktype union', type({ name: 'string', kind: '"a"' }).or({ name: 'string', kind: '"b"', role: 'string' })],
  ])('over %s cannot tell an unknown field, and does not try', (_, open) => {
    expect(() => define({ schema: open, attributes: ['role'] })).not.toThrow();
  });

  it.each([
    ['a strict zod object', z.strictObject({ name: z.string() })],
    ['a strict valibot object', v.strictObject({ name: v.string() })],
    ['an arktype object with an optional field', type({ name: 'string', 'note?': 'string' })],
  ])('over %s tells an unknown field', (_, closed) => {
    expect(() => define({ schema: closed, attributes: ['role'] })).toThrow(/"role"/);
  });
});
