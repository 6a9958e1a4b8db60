/** A real redis-server of the test's own: on a free loopback port, in its own temporary folder, gone when the test process is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** The error of startRedis() when there is no redis-server on PATH. */
export const REDIS_MISSING_MESSAGE =
  'There is no redis-server on PATH, nor in the folder that REDIS_BIN names. These tests start their own Redis: install "redis-server" ' +
  '(Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis).';

export interface RedisServer {
  readonly host: string;
  readonly port: number;
  /** redis://[:password@]127.0.0.1:port; rediss:// of startTlsRedis() */
  readonly url: string;
  /** The Unix socket of the same server, in its folder. */
  readonly socket: string;
  /** The temporary folder: redis.conf, the socket, what the server writes. */
  readonly folder: string;
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
  /** After ended(): a new server with the same port, settings and files; resolves when it replies. Is called instead of stop(). */
  restart(): Promise<RedisServer>;
}

/** What one server is started with. */
export interface Launch {
  readonly port: number;
  readonly password?: string;
  readonly scheme?: 'redis' | 'rediss';
  /** All settings but address and Unix socket; what reads files finds them relative to the folder. */
  readonly args: readonly string[];
  /** Writes files to the new folder before the server starts; redis.conf is what it is configured from. */
  readonly prepare?: (folder: string) => void;
}

const HOST = '127.0.0.1';
const SOCKET = 'redis.sock';
const START_TIMEOUT_MS = 60_000;
const PORT_ATTEMPTS = 10;

/**
 * The parent of redis-server. What must hold: only the test process has the other end of this shell's stdin, so `read`
 * returns when that process ends in any way (stop() closes it too). Then the server is killed and the folder removed.
 * - The shell is the parent, so no other process can get the server's pid before `wait`, and no moment is uncovered.
 * - Only redis-server and its forks hold stdout: when it ends, they have ended. The test process then writes a line, and
 *   the shell reaps without killing; the end of stderr says that it did.
 * - setpriv covers a kill of this shell. It fires when the *thread* that forked ends: had a worker thread forked, the
 *   server would end with the worker; the shell has one thread. Not every setpriv (BusyBox) knows the option.
 * - SIGPIPE is ignored: the reader of the folder's name may be gone, nor what some shells say of a killed server.
 * - SIGUSR1 ends what redis-server forked (a BGSAVE survives its parent); the shell must be its own process group.
 */
const REAPER = `
trap '' PIPE
dir=$(mktemp -d "$1/nestjs-diffsync-redis-XXXXXX") || exit
: >"$dir/redis.conf"
shift
echo "$dir" >&2
read -r prepared || { rm -rf "$dir"; exit 0; }
set -- redis-server "$dir/redis.conf" --dir "$dir" --save '' --appendonly no "$@"
set -- "$@" --daemonize no --bind ${HOST} --unixsocket "$dir/${SOCKET}"
setpriv --pdeathsig KILL true 2>/dev/null && set -- setpriv --pdeathsig KILL "$@"
"$@" </dev/null 2>&1 &
trap '' USR1
echo $! >&2
exec >&-
read -r ended || kill -KILL $!
wait $!
exec 2>&-
read -r stopped
kill -USR1 0
rm -rf "$dir"`;

/** PATH, and before it the folder of REDIS_BIN, whose redis-server the tests start where it is given. */
function programPath(): string {
  return [process.env['REDIS_BIN'], process.env['PATH']].filter(Boolean).join(delimiter);
}

/** Resolves when the new server replies. `args` go to redis-server and win over all settings but port, address, password. */
export function startRedis(options: { password?: string; args?: readonly string[] } = {}): Promise<RedisServer> {
  const { password = '', args = [] } = options;
  return onFreePorts(1, ([port = 0]) => launch({ port, password, args: [...args, '--port', String(port)] }));
}

/** The result of start(), which is called again with other ports when one was taken after all. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count));
    } catch (error) {
      // Between freePorts() and the start any process may take a port.
      if (attempt === PORT_ATTEMPTS || !String(error).includes('Address already in use')) throw error;
    }
  }
}

/** All the servers, or none: when one does not start, the others are stopped. */
export async function startAll(starts: readonly Promise<RedisServer>[]): Promise<RedisServer[]> {
  const results = await Promise.allSettled(starts);
  const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return servers;
  await Promise.all(servers.map((server) => server.stop()));
  throw failed.reason;
}

/** Resolves when the new server replies; when it does not, nothing of it is left. */
export async function launch(options: Launch): Promise<RedisServer> {
  const path = programPath();
  const folders = path.split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, 'redis-server')))) throw new Error(REDIS_MISSING_MESSAGE);
  const { port, password = '', scheme = 'redis', args, prepare } = options;
  const settings = [...args, ...(password === '' ? [] : ['--requirepass', password])];
  const env = { ...process.env, PATH: path, LC_ALL: 'C' }; // the wording of errors is read below
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
  const nextLine = async () => String((await Promise.race([once(reaperLines, 'line'), failed]))[0]);
  const folder = await nextLine();
  let line = folder;
  try {
    if (existsSync(folder)) {
      prepare?.(folder);
      child.stdin.write('prepared\n');
      line = await nextLine();
    }
    if (!/^\d+$/.test(line)) throw new Error(`redis-server could not be started: ${line}`);
  } catch (error) {
    child.stdin.end();
    await exited;
    throw error;
  }
  const pid = Number(line);

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
  const restart = async (): Promise<RedisServer> => {
    await ended();
    // Without the socket, which is no file to copy and is made anew.
    const prepare = (to: string) => cpSync(folder, to, { recursive: true, filter: (path) => !path.endsWith(SOCKET) });
    const next = await launch({ ...options, prepare });
    await stop();
    return next;
  };
  const url = `${scheme}://${password === '' ? '' : `:${encodeURIComponent(password)}@`}${HOST}:${port}`;
  const socket = join(folder, SOCKET);
  const resume = () => kill('SIGCONT');
  const address = { host: HOST, port, url, socket, folder, pid };
  const server: RedisServer = { ...address, ended, stop, kill, pause, resume, restart };

  const deadline = Date.now() + START_TIMEOUT_MS;
  // One that loads its data is there, too.
  for (let reply = ''; !/\+PONG|-LOADING/.test(reply); await sleep(5)) {
    if (gone || Date.now() > deadline) {
      await stop();
      throw new Error(`redis-server did not start: ${reply}\n${log}`);
    }
    reply = await ping(socket, password);
  }
  // A forgotten stop() must not keep its process alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket).unref();
  return server;
}

/**
 * What a server replies to PING, or why it does not. Asked at its own socket, which it opens after its ports: at a taken
 * port, the server that was there first would answer.
 */
async function ping(path: string, password: string): Promise<string> {
  const auth = password === '' ? '' : `*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n`;
  const socket = connect(path).setEncoding('utf8');
  socket.setTimeout(500, () => socket.destroy(new Error('no answer')));
  socket.write(`${auth}*1\r\n$4\r\nPING\r\n`);
  let reply = '';
  try {
    for await (const text of socket) {
      reply += text as string;
      if (/^\+PONG\r\n|^-/m.test(reply)) break;
    }
  } catch (error) {
    reply += String(error);
  }
  return reply;
}

/** Different from each other, as all are held before one is given back. */
async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, HOST));
  await Promise.all(probes.map((probe) => once(probe, 'listening')));
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}
