import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const HOST = '127.0.0.1';
const ROUND_TRIP_MS = 1;
const BYTES_PER_MS = 100_000_000 / 8 / 1000;
/** Bytes that are under way in one direction before the sender has to wait. */
const WINDOW = 256 * 1024;
/** The shortest time of a timer. */
const TIMER_MS = 1;

/**
 * Calls `work` with the URL of the same server behind a link of 100 Mbit/s each way, which all connections share, and whose
 * replies arrive a millisecond later.
 */
export async function withLink(url, work) {
  const port = Number(new URL(url).port);
  const [requests, replies] = [new Direction(0), new Direction(ROUND_TRIP_MS)];
  const sockets = new Set();
  const listener = createServer((client) => {
    const server = connect({ host: HOST, port, noDelay: true });
    client.setNoDelay(true);
    requests.carry(client, server);
    replies.carry(server, client);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
  });
  listener.listen(0, HOST);
  await once(listener, 'listening');
  try {
    return await work(`redis://${HOST}:${listener.address().port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  }
}

/** One direction of the link. A chunk leaves once all before it have left, and arrives a delay later. */
class Direction {
  #delay;
  #free = 0;

  constructor(delay) {
    this.#delay = delay;
  }

  carry(from, to) {
    const underWay = [];
    let bytes = 0;
    const deliver = () => {
      for (;;) {
        const [next] = underWay;
        if (next === undefined) return;
        const wait = next.arrives - performance.now();
        if (wait > TIMER_MS / 2) return void setTimeout(deliver, wait);
        underWay.shift();
        if (next.chunk === undefined) return void to.end();
        bytes -= next.chunk.length;
        if (bytes <= WINDOW) from.resume();
        if (to.writable) to.write(next.chunk);
      }
    };
    const send = (chunk, length) => {
      this.#free = Math.max(performance.now(), this.#free) + length / BYTES_PER_MS;
      bytes += length;
      if (bytes > WINDOW) from.pause();
      if (underWay.push({ chunk, arrives: this.#free + this.#delay }) === 1) deliver();
    };
    from.on('data', (chunk) => send(chunk, chunk.length));
    from.once('end', () => send(undefined, 0));
    from.on('error', () => to.destroy());
  }
}
