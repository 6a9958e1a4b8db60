/** A TCP proxy before a server, which makes the faults of a network: cuts, stalls, silence, delays, replies lost or cut short. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** redis://127.0.0.1:port */
  readonly url: string;
  /** Connections of clients that are open now. */
  readonly open: number;
  /** Ends all connections, as a reset. */
  cut(): void;
  /** Nothing passes until flow(), which delivers it: as if both sides were frozen. */
  stall(): void;
  /** What is sent disappears, on these connections for ever, on new ones until flow(): a half-open link. */
  darken(): void;
  /** Connections are accepted and ended at once, until flow(). */
  refuse(): void;
  /** Whatever passes takes so many milliseconds each way, until flow(). */
  delay(ms: number): void;
  /** So many bytes of replies still pass, on each connection; then it is cut. Until flow(). */
  truncate(bytes: number): void;
  /**
   * `lose` is asked about every reply, given the bytes that the client sent before it; where it says so the reply is lost
   * and the connection cut: the server has done it, and the client gets no reply.
   */
  loseReplies(lose: ((request: string, reply: string) => boolean) | undefined): void;
  /** Ends stall(), darken(), refuse(), delay() and truncate(). */
  flow(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  request: string;
  dark: boolean;
  left: number;
}

const HOST = '127.0.0.1';

/** Resolves when it listens. `target` is looked at for every connection, so that a restarted server is found. */
export async function startTcpProxy(target: { readonly port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let [stalled, dark, refusing, ms, bytes] = [false, false, false, 0, Infinity];
  let lose: ((request: string, reply: string) => boolean) | undefined;

  // Node cannot reset a side that is ending already, and then keeps it open for ever.
  const reset = (side: Socket): unknown => (side.writableEnded ? side.destroy() : side.resetAndDestroy());
  const end = ({ client, server }: Pair): void => {
    reset(client);
    reset(server);
  };
  const cut = (): void => pairs.forEach(end);
  const later = (to: Socket, chunk: Buffer): void => {
    if (ms === 0) to.write(chunk);
    else setTimeout(() => to.writable && to.write(chunk), ms);
  };
  const hold = ({ client, server }: Pair, how: 'pause' | 'resume'): void => {
    client[how]();
    server[how]();
  };

  const listener = createServer((client) => {
    if (refusing) return void client.destroy();
    const server = connect({ host: HOST, port: target.port, noDelay: true });
    client.setNoDelay(true);
    const pair: Pair = { client, server, request: '', dark, left: bytes };
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('error', () => undefined); // 'close' follows.
      from.once('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (pair.dark) return;
      if (lose !== undefined) pair.request += chunk.toString('latin1');
      later(server, chunk);
    });
    server.on('data', (chunk) => {
      if (pair.dark) return;
      if (lose !== undefined) {
        const { request } = pair;
        pair.request = '';
        if (lose(request, chunk.toString('latin1'))) return end(pair);
      }
      if (chunk.length <= pair.left) {
        pair.left -= chunk.length;
        return later(client, chunk);
      }
      client.write(chunk.subarray(0, pair.left), () => end(pair));
    });
    if (stalled) hold(pair, 'pause');
  });
  listener.listen(0, HOST);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;

  return {
    host: HOST,
    port,
    url: `redis://${HOST}:${port}`,
    get open() {
      return pairs.size;
    },
    cut,
    stall: () => {
      stalled = true;
      for (const pair of pairs) hold(pair, 'pause');
    },
    darken: () => {
      dark = true;
      for (const pair of pairs) pair.dark = true;
    },
    refuse: () => {
      refusing = true;
      cut();
    },
    delay: (milliseconds) => {
      ms = milliseconds;
    },
    truncate: (most) => {
      bytes = most;
      for (const pair of pairs) pair.left = most;
    },
    loseReplies: (judge) => {
      lose = judge;
    },
    flow: () => {
      [stalled, dark, refusing, ms, bytes] = [false, false, false, 0, Infinity];
      for (const pair of pairs) {
        pair.left = Infinity;
        hold(pair, 'resume');
      }
    },
    close: async () => {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
