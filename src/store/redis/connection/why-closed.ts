import { connect, type Socket } from 'node:net';
import { connect as connectByTls } from 'node:tls';

interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

const TLS = 'the port speaks TLS';

/** How long a server may take to say something by itself, and to answer. */
const LISTEN_MS = 200;

/**
 * Finds out why a server ends a connection without an answer to what was sent: it may have said so before, and the client did
 * not look, or it may have taken it for a broken beginning of TLS.
 * @param address - As `net.connect` takes it.
 * @returns the reason as an error in the server's words; undefined where there is none.
 */
export async function whyClosed(address: TcpAddress | { readonly path: string }): Promise<Error | undefined> {
  const socket = connect(address);
  const answers = new Answers(socket);
  try {
    const said = await answers.next();
    if (said !== undefined) return refusal(said);
    socket.write('PING\r\n');
    const answer = await answers.next();
    if (answer !== undefined) return refusal(answer);
    return answers.ended && (await speaksTls(address)) ? new Error(TLS) : undefined;
  } finally {
    socket.destroy();
  }
}

/** Whether a server answers to the beginning of TLS. It is not trusted with anything. */
async function speaksTls(address: TcpAddress | { readonly path: string }): Promise<boolean> {
  const socket = connectByTls({ ...address, rejectUnauthorized: false });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(true));
      // What TLS itself finds wrong comes from a server that speaks it, but for a reply that is none of TLS.
      socket.once('error', ({ code = '' }: NodeJS.ErrnoException) =>
        resolve(code.startsWith('ERR_SSL_') && code !== 'ERR_SSL_WRONG_VERSION_NUMBER'),
      );
      socket.once('close', () => resolve(false));
      setTimeout(() => resolve(false), 5 * LISTEN_MS).unref();
    });
  } finally {
    socket.destroy();
  }
}

/** What a server sends. */
class Answers {
  private readonly chunks: Buffer[] = [];
  ended = false;
  private wake = (): void => undefined;

  constructor(socket: Socket) {
    const end = (): void => {
      this.ended = true;
      this.wake();
    };
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.wake();
    });
    socket.on('error', end).on('close', end);
  }

  /** @returns what comes next; undefined when nothing comes for a while. */
  async next(): Promise<Buffer | undefined> {
    if (this.chunks.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LISTEN_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.chunks.shift();
  }
}

function refusal(said: Buffer): Error | undefined {
  // The record of a TLS alert, or of a handshake.
  if (said[0] === 0x15 || said[0] === 0x16) return new Error(TLS);
  const [, words] = /^-(.*?)\r?\n/.exec(said.toString()) ?? [];
  return words === undefined ? undefined : new Error(words);
}
