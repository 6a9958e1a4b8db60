/** Every test file: what it and the code under test print has no password of the tests' servers, and no value of a secret attribute. */
import { inspect } from 'node:util';
import { afterAll, expect } from '@jest/globals';

/** The passwords and secret values of the tests have one of these words, which nothing else has. */
const SECRETS = /geheim|gEh31m|hunter2|sesame|swordfish|battery-staple/i;
const METHODS = ['debug', 'error', 'info', 'log', 'warn'] as const;

const found: string[] = [];

function watch<T extends object>(owner: T, name: keyof T): void {
  const write = owner[name] as (...args: unknown[]) => unknown;
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    const text = args.map((each) => (typeof each === 'string' ? each : inspect(each, { depth: 10 }))).join(' ');
    if (SECRETS.test(text)) found.push(text.slice(0, 2000));
    return write.apply(this, args);
  };
  Object.assign(owner, { [name]: watched });
  afterAll(() => void Object.assign(owner, { [name]: write }));
}

watch(process.stdout, 'write');
watch(process.stderr, 'write');
for (const method of METHODS) watch(console, method);

afterAll(() => {
  expect(found).toEqual([]);
});
