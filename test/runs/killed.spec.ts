// A run whose process is killed is found by the next one, whatever it was doing, and that one converges.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { bundle, type Bundled } from '../support/bundled.js';
import { round } from './killed.worker.js';

const WORKER = 'test/runs/killed.worker.ts';

let bundled: Bundled;
let folder: string;

beforeAll(async () => {
  bundled = await bundle(WORKER);
  folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-killed-'));
});

afterAll(() => {
  bundled.remove();
  rmSync(folder, { recursive: true, force: true });
});

it.each(['load-source', 'compare', 'apply', 'verify'])(
  'killed in the phase %s',
  async (phase) => {
    const path = join(folder, `${phase}.db`);
    const first = await round(path, 1);
    expect(first.run.outcome).toBe('succeeded');
    const child = spawn(process.execPath, [bundled.path, path, '2', phase], {
      stdio: 'inherit',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const { run, previous, roles } = await round(path, 3);
    expect([run.outcome, run.unsettled, roles]).toEqual(['succeeded', 0, ['role 3']]);
    expect(previous).toMatchObject({ outcome: 'interrupted', previous: first.run.id });
    expect(previous?.endedAt).toBeUndefined();
    // What it may have changed is known, once it has come so far.
    expect(previous?.changes).toBe(phase === 'apply' || phase === 'verify' ? 40 : 0);
  },
  60_000,
);
