import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Redis, RedisOptions } from 'ioredis';
import { BACKOFF, backoffDelay } from '../../../async/backoff.js';
import type { RedisAddress } from '../redis-options.js';
import { ClientLogin, type Credentials } from './credentials.js';
import { ioredis } from './driver.js';
import { openSocket } from './login-connector.js';

/** How the sentinels are reached, and what they watch. */
export interface SentinelOptions {
  readonly sentinels: readonly RedisAddress[];
  readonly masterName: string;
  /** Credentials, TLS and times of the connections to the sentinels. */
  readonly client: Omit<RedisOptions, 'replyMapping'>;
  /** Of the connection to the master. */
  readonly tls: ConnectionOptions | undefined;
  /** Of the connection to the master, where they are asked for. */
  readonly credentials: Credentials | undefined;
}

/** Milliseconds between two times that the other sentinels are asked for. */
const REFRESH_MS = 10_000;
/** Milliseconds that a failover, which no sentinel ends, keeps writes waiting. */
const MAX_FAILOVER_MS = 10_000;
/** Milliseconds for which a sentinel may still name the old master. */
const STALE_MS = 30_000;

const SWITCHED = '+switch-master';
const BEGUN = '+try-failover';
const ABORTED = '-failover-abort-*';
const JOINED = '+sentinel';

/** What is used of the connector of a client. */
interface MasterConnector {
  disconnect(): void;
}

/**
 * Follows the sentinels of one master for the clients of a connection: where the master is, which sentinels there are, and
 * when another server takes over. Clients leave a master that is replaced at once, for it takes writes until it is demoted,
 * and the caller makes writes wait from the moment when a failover begins: what the old master takes then is lost.
 */
export class SentinelWatch {
  /** Those that were given, and those that they name, by `host:port`. */
  private known: ReadonlyMap<string, RedisAddress>;
  private readonly subscribers = new Map<string, Redis>();
  private readonly clients = new Set<object>();
  /** The connectors of the clients, with the master that each has connected to. */
  private readonly connectors = new Map<MasterConnector, string>();
  private switched: { readonly from: string; readonly to: RedisAddress; readonly at: number } | undefined;
  private failover: { readonly ended: Promise<void>; readonly end: () => void } | undefined;
  /** The number of failovers that have begun, as far as the sentinels have told. */
  failovers = 0;
  /** A round of questions that the sentinels are answering, and the one that follows it. */
  private asked: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: SentinelOptions) {
    this.known = new Map(options.sentinels.map((each) => [nameOf(each), each]));
  }

  /** Watches for one more client. */
  acquire(client: object): void {
    this.clients.add(client);
    if (this.timer !== undefined) return;
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS).unref();
    this.subscribe();
  }

  /** Ends the watch with its last client. */
  release(client: object): void {
    this.clients.delete(client);
    if (this.clients.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.failover?.end();
    for (const name of this.subscribers.keys()) this.unsubscribe(name);
    this.connectors.clear();
  }

  /** Resolves when no failover is running; undefined when none is. */
  get steady(): Promise<void> | undefined {
    return this.failover?.ended;
  }

  /**
   * Resolves once each sentinel that is connected has told all that it knew when this was called: it answers after the messages that
   * it has sent before. Calls share their questions.
   */
  caughtUp(): Promise<void> {
    if (this.asked === undefined) {
      this.asked = this.askAll().finally(() => (this.asked = undefined));
      return this.asked;
    }
    // What is asked already may have been answered before this call.
    this.next ??= this.asked.then(() => {
      this.next = undefined;
      return this.caughtUp();
    });
    return this.next;
  }

  /** @returns the class of a connector, as ioredis takes it, which connects to whatever is the master. */
  connector(): NonNullable<RedisOptions['Connector']> {
    const { AbstractConnector } = ioredis();
    const follow = (connector: MasterConnector, address: string): void => void this.connectors.set(connector, address);
    const find = (): Promise<RedisAddress> => this.master();
    const { tls, credentials } = this.options;
    return class extends AbstractConnector {
      private readonly login: ClientLogin | undefined;

      constructor(options: unknown) {
        super((options as { disconnectTimeout: number }).disconnectTimeout);
        this.login = credentials && new ClientLogin(credentials, options as object);
      }

      /** ioredis asks once it is connected: a sentinel may have named a server that is the master no more. */
      override check({ role }: { readonly role?: string }): boolean {
        return role === undefined || role === 'master';
      }

      override async connect(emit: (type: string, error: Error) => void): Promise<Socket | TLSSocket> {
        this.connecting = true;
        for (let attempt = 0; ; attempt++) {
          try {
            await this.login?.renew();
            const address = await find();
            if (!this.connecting) break;
            follow(this, nameOf(address));
            this.stream = openSocket(address, tls);
            this.stream.once('error', (error: Error) => (this.firstError = error));
            return this.stream;
          } catch (error) {
            if (!this.connecting) break;
            emit('error', error as Error);
            await sleep(backoffDelay(attempt, BACKOFF.connect, 0.5));
            if (!this.connecting) break;
          }
        }
        throw new Error('Connection is closed.');
      }

      override disconnect(): void {
        this.login?.cancel();
        super.disconnect();
      }
    };
  }

  /** Asks all sentinels at once. @returns the address of the master, by the first answer. */
  private async master(): Promise<RedisAddress> {
    const { masterName } = this.options;
    const ask = async (sentinel: RedisAddress): Promise<RedisAddress> => {
      const found = await this.query(sentinel, (client) =>
        client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName),
      );
      const [host, port] = Array.isArray(found) ? (found as unknown[]).map(String) : [];
      if (host === undefined) throw new Error(`the sentinel ${nameOf(sentinel)} knows no master "${masterName}"`);
      return { host, port: Number(port) };
    };
    try {
      const address = await Promise.any([...this.known.values()].map(ask));
      const { from, to, at } = this.switched ?? {};
      const isStale = at !== undefined && performance.now() - at < STALE_MS && nameOf(address) === from;
      return isStale && to !== undefined ? to : address;
    } catch (error) {
      const { errors } = error as AggregateError;
      throw Object.assign(new Error('No sentinel names the master.'), { lastNodeError: errors.at(-1) as unknown });
    }
  }

  private async query<T>({ host, port }: RedisAddress, ask: (client: Redis) => Promise<T>): Promise<T> {
    const options = { ...this.options.client, host, port, lazyConnect: true, retryStrategy: () => null };
    const client = new (ioredis().Redis)(options);
    // Without a listener ioredis prints it.
    let reason: unknown;
    client.on('error', (error) => (reason ??= error));
    try {
      await client.connect();
      return await ask(client);
    } catch (error) {
      throw reason ?? error;
    } finally {
      if (client.status !== 'end') client.disconnect();
    }
  }

  /** Learns which sentinels there are. Those that were given stay: they may come back. */
  private async refresh(): Promise<void> {
    const { masterName, sentinels } = this.options;
    const ask = (sentinel: RedisAddress): Promise<RedisAddress[]> =>
      this.query(sentinel, async (client) => {
        const others = (await client.call('SENTINEL', 'SENTINELS', masterName)) as unknown[];
        return [sentinel, ...others.map(addressIn).filter((each) => each !== undefined)];
      });
    const found = await Promise.any([...this.known.values()].map(ask)).catch(() => undefined);
    if (found === undefined || this.timer === undefined) return;
    this.known = new Map([...sentinels, ...found].map((each) => [nameOf(each), each]));
    this.subscribe();
  }

  /** Subscribes to each sentinel that is known, and to no other one. */
  private subscribe(): void {
    for (const name of this.subscribers.keys()) if (!this.known.has(name)) this.unsubscribe(name);
    for (const [name, { host, port }] of this.known) {
      if (this.subscribers.has(name)) continue;
      const retryStrategy = (attempt: number): number => backoffDelay(attempt, SENTINEL_BACKOFF, 0.5);
      const client = new (ioredis().Redis)({ ...this.options.client, host, port, retryStrategy });
      this.subscribers.set(name, client);
      client.on('error', () => undefined);
      // What happened meanwhile was not told.
      client.on('ready', () => void this.refresh());
      client.on('pmessage', (_pattern: string, channel: string, message: string) => this.hear(channel, message));
      client.psubscribe(SWITCHED, BEGUN, ABORTED, JOINED).catch(() => undefined);
    }
  }

  private async askAll(): Promise<void> {
    const connected = [...this.subscribers.values()].filter(({ status }) => status === 'ready');
    const ask = async (client: Redis): Promise<void> => {
      try {
        await client.ping();
      } catch {
        // One that is frozen must not delay the next write as well.
        if (client.status === 'ready') client.disconnect(true);
      }
    };
    await Promise.all(connected.map(ask));
  }

  private unsubscribe(name: string): void {
    this.subscribers.get(name)?.disconnect();
    this.subscribers.delete(name);
  }

  private hear(channel: string, message: string): void {
    const words = message.split(' ');
    const { masterName } = this.options;
    if (channel === SWITCHED && words[0] === masterName) {
      const [, oldHost = '', oldPort, host = '', port] = words;
      const to = { host, port: Number(port) };
      this.switched = { from: nameOf({ host: oldHost, port: Number(oldPort) }), to, at: performance.now() };
      for (const [connector, address] of this.connectors) {
        if (address === nameOf(to)) continue;
        this.connectors.delete(connector);
        connector.disconnect();
      }
      this.failover?.end();
    } else if (channel === JOINED) {
      void this.refresh();
    } else if (words[0] === 'master' && words[1] === masterName) {
      if (channel === BEGUN) this.begin();
      else this.failover?.end();
    }
  }

  private begin(): void {
    if (this.failover !== undefined) return;
    this.failovers++;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      const timer = globalThis.setTimeout(() => end(), MAX_FAILOVER_MS).unref();
      end = () => {
        clearTimeout(timer);
        this.failover = undefined;
        resolve();
      };
    });
    this.failover = { ended, end };
  }
}

/** How the delays between attempts to reach one of the sentinels grow, which may be gone for good. */
const SENTINEL_BACKOFF = { minTimeout: 50, maxTimeout: 5000, factor: 2, randomize: true };

/** @param fields - What a sentinel says of another one: names and values alternately. @returns undefined for no address. */
function addressIn(fields: unknown): RedisAddress | undefined {
  const list = Array.isArray(fields) ? fields.map(String) : [];
  const valueOf = (name: string): string => list[list.indexOf(name) + 1] ?? '';
  const [host, port] = [valueOf('ip'), Number(valueOf('port'))];
  return host === '' || !(port > 0) ? undefined : { host, port };
}

function nameOf({ host, port }: RedisAddress): string {
  return `${host}:${port}`;
}
