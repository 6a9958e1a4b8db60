// docs/diff-and-sync.md says what its example of incremental syncs prints.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, expect, it, jest } from '@jest/globals';
import { syncNightly } from '../../examples/readme/src/incremental.js';

afterEach(() => {
  jest.restoreAllMocks();
});

it('docs/diff-and-sync.md says what the nights of its example print', async () => {
  const page = await readFile(new URL('../../docs/diff-and-sync.md', import.meta.url), 'utf8');
  const [, expected] = /four nights print\n\n```text\n(.*?)```/s.exec(page) ?? [];
  const printed: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    printed.push(values.map((value) => inspect(value)).join(' '));
  });
  const folder = await mkdtemp(join(tmpdir(), 'diffsync-docs-'));
  try {
    for (let night = 0; night < 4; night++) await syncNightly(join(folder, 'cmdb.db'), night);
  } finally {
    await rm(folder, { recursive: true });
  }
  const text = `${printed.join('\n')}\n`.replaceAll(/'\d{4}-[^']*Z'/g, "'2026-03-01T01:00:00.000Z'");
  expect(text).toBe(expected?.replaceAll(/'\d{4}-[^']*Z'/g, "'2026-03-01T01:00:00.000Z'"));
});
