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
};

/** ioredis's words for a command that it refused to send, and for one whose answer did not come. */
const NOT_SENT = /isn't writeable/;
const LOST = /Connection is closed|max retries per request|timed out|Socket timeout|ECONNRESET|EPIPE/;
const TIMED_OUT = /timed out|timeout|no connection within/i;

/** The ObjectStoreException for a link that is not up: nothing was sent. @param where begins the message. */
export function unreachableError(where: string, cause: unknown): ObjectStoreException {
  if (cause instanceof ObjectStoreException) return cause;
  const [code, remedy] = replyOf(cause) ?? [
    TIMED_OUT.test(messageOf(cause)) ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE',
    'no connection',
  ];
  return exception(code, where, `${remedy} (${messageOf(cause)})`, cause);
}

/**
 * The ObjectStoreException for a command that failed after it was given to the client.
 * @param lastError why the link broke, where it did: it says more than that it is broken.
 * @param writes whether the command may have changed something.
 */
export function answerError(where: string, error: unknown, lastError: unknown, writes: boolean): ObjectStoreException {
  if (error instanceof ObjectStoreException) return error;
  const message = messageOf(error);
  if (NOT_SENT.test(message)) return unreachableError(where, lastError ?? error);
  if (!LOST.test(message)) {
    const [code, remedy] = replyOf(error) ?? ['STORE_FAILED', undefined];
    return exception(code, where, remedy === undefined ? message : `${remedy} (${message})`, error);
  }
  if (!writes) return unreachableError(where, lastError ?? error);
  const reason = messageOf(lastError ?? error);
  return exception(
    'STORE_OUTCOME_UNKNOWN',
    where,
    `the answer to a write did not come, so it may or may not be done (${reason})`,
    lastError ?? error,
  );
}

function replyOf(error: unknown): readonly [StoreErrorCode, string] | undefined {
  return REPLIES[/^[A-Z]+/.exec(messageOf(error))?.[0] ?? ''];
}

function exception(code: StoreErrorCode, where: string, text: string, cause: unknown): ObjectStoreException {
  const down = code === 'STORE_UNAVAILABLE' || code === 'STORE_TIMEOUT' || code === 'STORE_AUTH';
  return new ObjectStoreException(`${down ? 'Redis store is unavailable. ' : ''}${where}: ${text}`, {
    code,
    cause: withoutSecrets(cause),
  });
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
