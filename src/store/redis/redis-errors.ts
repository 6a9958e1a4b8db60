import { ObjectStoreException, type StoreErrorCode } from '../../errors.js';

/** First word of a server's answer -> code and remedy. */
const REPLIES: Readonly<Record<string, readonly [code: StoreErrorCode, remedy: string]>> = {
  NOAUTH: ['STORE_AUTH', 'the server asks for a password: set it in the url or in "password"'],
  WRONGPASS: ['STORE_AUTH', 'user name or password is wrong'],
  NOPERM: ['STORE_PERMISSION', 'the user may not run this command or touch this key: extend its ACL'],
  READONLY: ['STORE_READ_ONLY', 'the server is a read-only replica: connect to the master'],
  OOM: ['STORE_OUT_OF_MEMORY', 'the server is at its maxmemory: free some or raise it'],
  MISCONF: ['STORE_MISCONFIGURED', 'the server cannot save to its disk and so refuses writes'],
  NOREPLICAS: ['STORE_MISCONFIGURED', 'the server has too few replicas and so refuses writes'],
  WRONGTYPE: ['STORE_CORRUPT', 'a key of this store holds something else than the store put there'],
  LOADING: ['STORE_UNAVAILABLE', 'the server is still loading its data'],
  MASTERDOWN: ['STORE_UNAVAILABLE', 'the replica has lost its master'],
  BUSY: ['STORE_UNAVAILABLE', 'the server is busy with a script'],
  CLUSTERDOWN: ['STORE_UNAVAILABLE', 'the cluster is down, or this is a cluster node'],
  MAXCLIENTS: ['STORE_UNAVAILABLE', 'the server has no room for more clients'],
};

/** ioredis's words for a command that it did not send, and for one whose answer did not come. */
const NOT_SENT = /isn't writeable|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT|aborted/;
const LOST = /Connection is closed|max retries per request|timed out|Socket timeout|ECONNRESET|EPIPE/;
const TIMED_OUT = /timed out|timeout/i;

/** What is known of the link when an operation fails. */
export interface LinkState {
  /** Begins the message: the store, and the server's address without secrets. */
  readonly where: string;
  /** The client's last 'error' event: ioredis's own rejections carry no reason. */
  readonly lastError: unknown;
}

/** The ObjectStoreException for what ioredis threw. @param writes whether the operation may have changed something. */
export function storeError(error: unknown, { where, lastError }: LinkState, writes: boolean): ObjectStoreException {
  if (error instanceof ObjectStoreException) return error;
  const message = messageOf(error);
  const unsent = NOT_SENT.test(message) || (!writes && LOST.test(message));
  const lost = LOST.test(message);
  // What broke the link says more than that it is broken.
  const cause = (unsent || lost) && lastError !== undefined ? lastError : error;
  const make = (code: StoreErrorCode, text: string): ObjectStoreException => {
    const down = code === 'STORE_UNAVAILABLE' || code === 'STORE_TIMEOUT' || code === 'STORE_AUTH';
    const message = `${down ? 'Redis store is unavailable. ' : ''}${where}: ${text}`;
    return new ObjectStoreException(message, { code, cause: withoutSecrets(cause) });
  };

  const reply = REPLIES[/^[A-Z]+/.exec(messageOf(cause))?.[0] ?? ''];
  if (reply !== undefined && (unsent || !lost)) return make(reply[0], `${reply[1]} (${messageOf(cause)})`);
  if (lost && writes) {
    return make(
      'STORE_OUTCOME_UNKNOWN',
      `the answer to a write did not come, so it may or may not be done (${messageOf(cause)})`,
    );
  }
  if (TIMED_OUT.test(messageOf(cause))) return make('STORE_TIMEOUT', `no answer in time (${messageOf(cause)})`);
  if (unsent || lost) return make('STORE_UNAVAILABLE', `no connection (${messageOf(cause)})`);
  return make('STORE_FAILED', messageOf(cause));
}

function messageOf(error: unknown): string {
  if (error === undefined) return '';
  const { message, code } = error as { message?: unknown; code?: unknown };
  // An AggregateError of several addresses has an empty message and a code.
  return typeof message === 'string' && message !== '' ? message : typeof code === 'string' ? code : String(error);
}

/** ioredis hangs a command's arguments on its errors: a password of AUTH, an object's values. */
function withoutSecrets(error: unknown): unknown {
  const command = (error as { command?: { name?: unknown } } | undefined)?.command;
  if (typeof error === 'object' && error !== null && command !== undefined) {
    Object.defineProperty(error, 'command', { value: { name: command.name }, configurable: true });
  }
  return error;
}
