import { ObjectStoreException, type StoreErrorCode } from '../../errors.js';
import { FORMAT_VERSION } from './redis-keys.js';

/** Why a step of an operation failed. */
export interface RedisFailure {
  readonly code: StoreErrorCode;
  readonly text: string;
  readonly cause: unknown;
  /** Whether the server may have done it: then a repeated write must say that it is one. */
  readonly sent: boolean;
  /** Whether it may pass by itself. */
  readonly passing: boolean;
}

/** Carries a failure from an attempt to whoever decides about the next one. */
export class RedisFailed extends Error {
  constructor(readonly failure: RedisFailure) {
    super(failure.text);
  }
}

type Passing = 'never' | 'always' | 'in a failover';

/** First word of a server's answer, which says that nothing was done -> code, remedy, and whether it may pass. */
const REPLIES: Readonly<Record<string, readonly [code: StoreErrorCode, remedy: string, passing: Passing]>> = {
  NOAUTH: ['STORE_AUTH', 'the server asks for a password: set it in the url or in "password"', 'never'],
  WRONGPASS: ['STORE_AUTH', 'user name or password is wrong', 'never'],
  NOPERM: ['STORE_PERMISSION', 'the user may not run this command or touch this key: extend its ACL', 'never'],
  READONLY: ['STORE_READ_ONLY', 'the server is a read-only replica: connect to the master', 'in a failover'],
  OOM: ['STORE_OUT_OF_MEMORY', 'the server is at its maxmemory: free some or raise it', 'never'],
  MISCONF: ['STORE_MISCONFIGURED', 'the server cannot save to its disk and so refuses writes', 'in a failover'],
  NOREPLICAS: ['STORE_MISCONFIGURED', 'the server has too few replicas and so refuses writes', 'in a failover'],
  WRONGTYPE: ['STORE_CORRUPT', 'a key of this store holds something else than the store put there', 'never'],
  LOADING: ['STORE_UNAVAILABLE', 'the server is still loading its data', 'always'],
  MASTERDOWN: ['STORE_UNAVAILABLE', 'the replica has lost its master', 'always'],
  BUSY: ['STORE_UNAVAILABLE', 'the server is busy with a script', 'always'],
  CLUSTERDOWN: ['STORE_UNAVAILABLE', 'the cluster is down, or this is a cluster node', 'in a failover'],
  TRYAGAIN: ['STORE_UNAVAILABLE', 'the slot is being moved to another node', 'always'],
  MOVED: ['STORE_UNAVAILABLE', 'the slot is on another node of the cluster: use the option "cluster"', 'in a failover'],
  ASK: ['STORE_UNAVAILABLE', 'the slot is being moved to another node', 'in a failover'],
};

/** ioredis's words for a command that it refused to send, and for one whose answer did not come. */
const NOT_SENT = /isn't writeable|isn't ready/;
const LOST =
  /Connection is closed|max retries per request|timed out|Socket timeout|no answer|ECONNRESET|EPIPE|is ended/i;
const TIMED_OUT = /timed out|timeout|no connection within|no answer within/i;

/**
 * @param lastError why the link broke, where it did: it says more than that it is broken.
 * @param failsOver whether another server may take over.
 */
export function failureOf(error: unknown, lastError: unknown, failsOver: boolean): RedisFailure {
  const message = messageOf(error);
  const [, last = message] = /^Too many Cluster redirections\. Last error: (?:\w+: )?(.*)/.exec(message) ?? [];
  const lost = LOST.test(last);
  if (lost || NOT_SENT.test(last)) return unreachable(lastError ?? error, lost);
  const [, layout] = /^DIFFSYNCFORMAT ([^.]*?)(?: script: |$)/.exec(last) ?? [];
  if (layout !== undefined) return layoutFailure(layout);
  const reply = REPLIES[/^[A-Z]+/.exec(last)?.[0] ?? ''];
  if (reply === undefined) return { code: 'STORE_FAILED', text: message, cause: error, sent: false, passing: false };
  const [code, remedy, passing] = reply;
  return {
    code,
    text: `${remedy} (${message})`,
    cause: error,
    sent: false,
    passing: passing === 'always' || (passing === 'in a failover' && failsOver),
  };
}

/** For a model that is kept otherwise than the store would: by a newer version, or with other options. */
export function layoutFailure(layout: string): RedisFailure {
  const newer = Number.parseInt(layout, 10) > FORMAT_VERSION;
  const text = newer
    ? `it is kept in format ${layout}, and this version of nestjs-diffsync knows formats up to ${FORMAT_VERSION}: update it`
    : `it is kept as "${layout}": open the store with the same "shards", and with a "ttl" where it has one, or clear it first`;
  return {
    code: newer ? 'STORE_NEWER_FORMAT' : 'STORE_MISCONFIGURED',
    text,
    cause: undefined,
    sent: false,
    passing: false,
  };
}

/** For a link that is not up. */
export function unreachable(cause: unknown, sent = false): RedisFailure {
  const message = messageOf(cause);
  const reply = REPLIES[/^[A-Z]+/.exec(message)?.[0] ?? ''];
  const [code, remedy, passing] = reply ?? [
    TIMED_OUT.test(message) ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE',
    'no connection',
    'always',
  ];
  return { code, text: `${remedy} (${message})`, cause, sent, passing: passing !== 'never' };
}

/** @param where begins the message. @param unknown whether the failed step was a write that may have been done. */
export function exceptionOf(where: string, { code, text, cause }: RedisFailure, unknown = false): ObjectStoreException {
  const down = code === 'STORE_UNAVAILABLE' || code === 'STORE_TIMEOUT' || code === 'STORE_AUTH';
  const message = unknown
    ? `${where}: the answer to a write did not come, so it may or may not be done: ${text}`
    : `${down ? 'Redis store is unavailable. ' : ''}${where}: ${text}`;
  return new ObjectStoreException(message, {
    code: unknown ? 'STORE_OUTCOME_UNKNOWN' : code,
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
