/** The command, run in the process of the test. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect } from '@jest/globals';
import { z } from 'zod';
import { run } from '../../src/cli/run.js';
import { DiffSyncModel } from '../../src/index.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/index.js';

const schema = z.object({ name: z.string(), note: z.string().default('') });
export class Device extends DiffSyncModel.define({
  name: 'device',
  schema,
  identifiers: ['name'],
  attributes: ['note'],
}) {}
export class Interface extends DiffSyncModel.define({ name: 'interface', schema, identifiers: ['name'] }) {}

export type Made = typeof Device | typeof Interface;
export const make = (model: Made, count: number, note = ''): InstanceType<Made>[] =>
  Array.from({ length: count }, (_, at) => new model({ name: `${model.name}${at}`, note }));

/** Fills a store and closes it. */
export async function fill(options: RedisStoreOptions, objs: InstanceType<Made>[]): Promise<void> {
  const store = await RedisStore.connect(options);
  await store.addMany({ objs });
  await store.close();
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process. At a terminal when `answers` are given: each for the next question. */
export async function cli(
  argv: readonly string[],
  { answers, env = {} }: { answers?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Ended> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const left = [...(answers ?? [])];
  const texts = { stdout: '', stderr: '' };
  stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
    if (!text.endsWith('[y/N] ')) return;
    const answer = left.shift();
    if (answer === undefined) stdin.end();
    else stdin.write(`${answer}\n`);
  });
  const io = { stdin: Object.assign(stdin, { isTTY: answers !== undefined }), stdout, stderr, env };
  const code = await run(argv, io);
  for (const output of [stdout, stderr]) {
    output.end();
    await once(output, 'end');
  }
  return { code, ...texts };
}

export interface Listed {
  readonly address: string;
  readonly stores: readonly {
    readonly id: string;
    readonly objects: number;
    readonly bytes: number;
    readonly changed?: number;
    readonly models: readonly {
      readonly name: string;
      readonly named: boolean;
      readonly objects: number;
      readonly bytes: number;
      readonly format?: string;
    }[];
  }[];
}

export async function listed(argv: readonly string[]): Promise<Listed> {
  const { code, stdout, stderr } = await cli([...argv, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.indexOf('\n')).toBe(stdout.length - 1);
  return JSON.parse(stdout) as Listed;
}
