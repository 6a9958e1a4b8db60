/** A real redis-server of the test's own: on a free loopback port, in its own temporary folder, gone when the test process is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** The error of startRedis() when there is no redis-server on PATH. */
export const REDIS_MISSING_MESSAGE =
  'There is no redis-server on PATH. These tests start their own Redis: install "redis-server" ' +
  '(Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis).';

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  /** redis://[:password@]127.0.0.1:port */
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  ended(): Promise<void>;
  /** Kills the server, waits for its end and removes its folder. Any number of calls. */
  stop(): Promise<void>;
  /** Sends a signal; throws when the process has ended. The folder stays until stop(). */
  kill(signal: NodeJS.Signals): void;
  /** SIGSTOP, which takes effect later than it is sent; on Linux, resolves only once the process is stopped. */
  pause(): Promise<void>;
  resume(): void;
}

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 10_000;
const PORT_ATTEMPTS = 10;

/**
 * The parent of redis-server. What must hold: only the test process has the other end of this shell's stdin, so `read`
 * returns when that process ends in any way (stop() closes it too). Then the server is killed and the folder removed.
 * - The shell is the parent, so nobody else can get the server's pid before `wait`, and no moment is uncovered.
 * - Only redis-server and its forks hold stdout: when it ends, they have ended. The test process then writes a line, and
 *   the shell reaps without killing; the end of stderr says that it did.
 * - setpriv covers a kill of this shell. It fires when the *thread* that forked ends: had a worker thread forked, the
 *   server would end with the worker; the shell has one thread. Not every setpriv (BusyBox) knows the option.
 * - SIGPIPE is ignored: some shells report the killed server to a stderr that nobody reads any more.
 * - SIGUSR1 ends what redis-server forked (a BGSAVE survives its parent); the shell must be its own process group.
 */
const REAPER = `
dir=$(mktemp -d "$1/nestjs-diffsync-redis-XXXXXX") || exit
shift
set -- redis-server --dir "$dir" --save '' --appendonly no "$@" --daemonize no --bind ${HOST}
setpriv --pdeathsig KILL true 2>/dev/null && set -- setpriv --pdeathsig KILL "$@"
"$@" </dev/null 2>&1 &
trap '' PIPE USR1
echo $! >&2
exec >&-
read -r ended || kill -KILL $!
wait $!
exec 2>&-
read -r stopped
kill -USR1 0
rm -rf "$dir"`;

/** Resolves when the new server answers. `args` go to redis-server and win over all settings but port, address, password. */
export async function startRedis(options: { password?: string; args?: readonly string[] } = {}): Promise<RedisServer> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, 'redis-server')))) throw new Error(REDIS_MISSING_MESSAGE);
  const { password = '', args = [] } = options;
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const { server, failure } = await launch(port, password, args);
    if (failure === undefined) return server;
    await server.stop();
    // Between freePort() and the start any process may take the port.
    if (attempt === PORT_ATTEMPTS || !failure.includes('Address already in use')) throw new Error(failure);
  }
}

async function launch(port: number, password: string, args: readonly string[]) {
  const settings = [...args, ...(password === '' ? [] : ['--requirepass', password]), '--port', String(port)];
  const env = { ...process.env, LC_ALL: 'C' }; // the wording of errors is read below
  // Detached: a Ctrl-C at the terminal must reach the tests, not the reaper.
  const child = spawn('/bin/sh', ['-c', REAPER, 'redis-reaper', tmpdir(), ...settings], { detached: true, env });
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  child.stdin.on('error', () => {}); // EPIPE: the reaper is gone, which `exited` reports.
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4_000)));
  child.stdout.once('end', () => child.stdin.writable && child.stdin.write('ended\n'));
  const reaperLines = createInterface({ input: child.stderr });
  let gone = false;
  const reaped = once(reaperLines, 'close').then(() => void (gone = true));
  const failed = exited.then((code) => reaped.then(() => [`the reaper exited with ${code}`]));
  const [line] = await Promise.race([once(reaperLines, 'line'), failed]);
  const pid = Number(line);
  if (!Number.isInteger(pid)) {
    child.stdin.end();
    throw new Error(`redis-server could not be started: ${line}`);
  }

  const kill = (signal: NodeJS.Signals): void => {
    if (gone) throw new Error(`redis-server ${pid} has ended, ${signal} was not sent`); // the pid may be another's by now
    process.kill(pid, signal);
  };
  const close = async (): Promise<void> => {
    child.ref();
    child.stdin.end();
    const code = await exited;
    if (code !== 0) throw new Error(`the reaper of redis-server ${pid} exited with ${code}: its folder may be left`);
  };
  const pause = async (): Promise<void> => {
    kill('SIGSTOP');
    if (process.platform !== 'linux') return;
    for (let state = ''; state !== 'T'; await sleep(1)) {
      state = /\) (\w)[^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '';
      if (state === 'Z') throw new Error(`redis-server ${pid} ended instead of pausing`);
    }
  };
  const ended = (): Promise<void> => {
    (child.stderr as Socket).ref();
    return reaped;
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= close());
  const url = `redis://${password === '' ? '' : `:${encodeURIComponent(password)}@`}${HOST}:${port}`;
  const server: RedisServer = { host: HOST, port, url, pid, ended, stop, kill, pause, resume: () => kill('SIGCONT') };

  // PONG proves nothing: on a taken port it comes from the server that was there first.
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (let reply = ''; !reply.includes(`process_id:${pid}\r\n`); await sleep(5)) {
    if (gone || Date.now() > deadline) return { server, failure: `redis-server did not start: ${reply}\n${log}` };
    reply = await serverInfo(port, password);
  }
  // A forgotten stop() must not keep its process alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket).unref();
  return { server };
}

/** What the port answers to INFO, or why it does not. */
async function serverInfo(port: number, password: string): Promise<string> {
  const auth = password === '' ? '' : `*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n`;
  const socket = connect(port, HOST).setEncoding('utf8');
  socket.setTimeout(500, () => socket.destroy(new Error('no answer')));
  socket.write(`${auth}*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n`);
  let reply = '';
  try {
    for await (const text of socket) {
      reply += text as string;
      if (/process_id:\d+\r\n|^-/m.test(reply)) break;
    }
  } catch (error) {
    reply += String(error);
  }
  return reply;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
