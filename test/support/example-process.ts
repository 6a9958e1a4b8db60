/** An example application in a process of its own, whose output can be waited for. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExampleProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves when the process has ended and all its output is here. */
  readonly ended: Promise<Ended>;
  /** The first match in standard output, as soon as it is there. */
  stdout(pattern: RegExp): Promise<RegExpExecArray>;
  /** Kills it, if it runs. */
  stop(): Promise<void>;
}

/** Starts a program, Node where none is given, with no other environment. */
export function launch(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  program = process.execPath,
): ExampleProcess {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code, signal]): Ended => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return {
    child,
    ended,
    stdout: async (pattern) => {
      for (;;) {
        const match = pattern.exec(stdout);
        if (match !== null) return match;
        const over = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended]);
        if (over !== undefined && !pattern.test(stdout))
          throw new Error(`ended without ${pattern}: ${stdout}${stderr}`);
      }
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
