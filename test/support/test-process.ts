/** A test process of its own, which may be killed: what it started must end with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { transformFileSync } from '@swc/core';
import type { RedisServer } from './redis-server.js';

export interface TestProcess {
  readonly main: ChildProcess;
  readonly exited: Promise<unknown>;
  /** The JSON that the module's `report` value became. */
  readonly report: unknown;
  /** Lets the module go on with `ending`. */
  end(): void;
  /** Kills it, if it runs, and removes what it was run from. */
  cleanup(): void;
}

/** Runs `setup`, a module beside these files that declares `report`; then, on a message, `ending`. */
export async function startTestProcess(setup: string, ending = '', env: NodeJS.ProcessEnv = {}): Promise<TestProcess> {
  const sources = join(process.cwd(), 'test/support');
  const modules = readdirSync(sources).filter((name) => /^redis-[a-z]+\.ts$/.test(name));
  const compiled = modules.map((name) => {
    const { code } = transformFileSync(join(sources, name), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    return [name.replace('.ts', '.js'), code] as const;
  });
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-spec-'));
  for (const [name, code] of compiled) writeFileSync(join(folder, name), code);
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'main.js'),
    `${setup}
     console.log(JSON.stringify(report));
     await new Promise((resolve) => process.stdin.once('data', resolve));
     process.stdin.destroy();
     ${ending}`,
  );
  const main = spawn(process.execPath, [join(folder, 'main.js')], {
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
  let complaint = '';
  main.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const exited = once(main, 'exit');
  const cleanup = (): void => {
    main.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const early = exited.then(([code]) => {
    throw new Error(`the test process exited with ${code} before it reported: ${complaint}`);
  });
  try {
    const [line] = (await Promise.race([once(createInterface({ input: main.stdout }), 'line'), early])) as [string];
    return { main, exited, report: JSON.parse(line) as unknown, end: () => void main.stdin.write('end\n'), cleanup };
  } catch (error) {
    cleanup();
    throw error;
  }
}

/** By which it is seen that nothing is left of a server. */
export type Remains = Pick<RedisServer, 'pid' | 'folder'>;

export function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean, ms: number): Promise<void> {
  for (const deadline = Date.now() + ms; !condition(); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${condition.toString()}`);
  }
}

export const gone = (servers: readonly Remains[]): boolean =>
  servers.every(({ pid, folder }) => !runs(pid) && !existsSync(folder));
