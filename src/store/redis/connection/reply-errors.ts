import { ObjectStoreException, type StoreErrorCode } from '../../../errors.js';
import { CredentialsFailed } from './credentials.js';
import { isReplyError } from './driver.js';
import { formatMismatch } from '../layout/format.js';
import { parseMetadataKey } from '../layout/keys.js';
import { scriptCommand } from '../scripts/scripts.js';

/** Why a command failed. */
export interface RedisFailure {
  readonly code: StoreErrorCode;
  readonly text: string;
  readonly cause: unknown;
  /** Whether the server may have done it, so that a repeated write needs the same idempotency token. */
  readonly sent: boolean;
  /** Whether the failure is transient. */
  readonly retryable: boolean;
}

/** Carries a failure from an attempt to the code that decides about a retry. */
export class RedisFailed extends Error {
  constructor(readonly failure: RedisFailure) {
    super(failure.text);
  }
}

type Retryable = 'never' | 'always' | 'during failover';

/** First word of an error reply, which says that nothing was done -> code, remedy, and whether it is retryable. */
const REPLIES: Readonly<Record<string, readonly [code: StoreErrorCode, remedy: string, retryable: Retryable]>> = {
  NOAUTH: ['STORE_AUTH', 'the server asks for a password: set it in the url or in "password"', 'never'],
  WRONGPASS: ['STORE_AUTH', 'user name or password is wrong', 'never'],
  READONLY: ['STORE_READ_ONLY', 'the server is a read-only replica: connect to the master', 'during failover'],
  OOM: ['STORE_OUT_OF_MEMORY', 'the server is at its maxmemory: free some or raise it', 'never'],
  MISCONF: ['STORE_MISCONFIGURED', 'the server cannot save to its disk and so refuses writes', 'during failover'],
  NOREPLICAS: ['STORE_NO_REPLICAS', 'the server has too few replicas and so refuses writes', 'during failover'],
  WRONGTYPE: [
    'STORE_WRONG_KEY_TYPE',
    'a key of this store holds something else than the store put there: verify() lists which',
    'never',
  ],
  NOSCRIPT: ['STORE_SCRIPT_MISSING', "the server has not kept the store's script", 'always'],
  DIFFSYNCLOST: ['STORE_CORRUPT', 'the order of a model is lost: verify() with repair makes a new one', 'never'],
  LOADING: ['STORE_UNAVAILABLE', 'the server is still loading its data', 'always'],
  MASTERDOWN: ['STORE_UNAVAILABLE', 'the replica has lost its master', 'always'],
  BUSY: ['STORE_UNAVAILABLE', 'the server is busy with a script', 'always'],
  CLUSTERDOWN: ['STORE_CLUSTER_DOWN', 'the cluster does not serve all slots: its nodes say why', 'during failover'],
  TRYAGAIN: ['STORE_UNAVAILABLE', 'the slot is being moved to another node', 'always'],
  MOVED: ['STORE_WRONG_TOPOLOGY', 'the server is a node of a cluster: use the option "cluster"', 'during failover'],
  ASK: ['STORE_UNAVAILABLE', 'the slot is being moved to another node', 'during failover'],
  DIFFSYNCLATE: ['STORE_TIMEOUT', 'the write reached the server after its deadline, and was not done', 'always'],
};

const NO_SCRIPTS = [
  'STORE_SCRIPT_MISSING',
  'the server takes no scripts: EVAL and EVALSHA must not be disabled or renamed, nor be left out of the server',
  'never',
] as const;

/** Other words -> code and remedy. None of it is retryable. */
const PHRASES: readonly (readonly [words: RegExp, code: StoreErrorCode, remedy: string])[] = [
  [
    /cluster support disabled/,
    'STORE_WRONG_TOPOLOGY',
    'the server is no node of a cluster: use "url" or "host" instead of "cluster"',
  ],
  [
    /certificate|wrong version number|packet length too long|tlsv1|sslv3|\bSSL\b/i,
    'STORE_TLS',
    'TLS with the server fails: is it TLS that it speaks, and are its certificate\'s authority ("ca") and yours known?',
  ],
  [/^ERR Client sent AUTH/, 'STORE_AUTH', 'a password is given, and the server has none'],
  [/^the port speaks TLS/, 'STORE_TLS', 'the server expects TLS: use "rediss://", or the option "tls"'],
  [/^DENIED /, 'STORE_AUTH', 'the server is in protected mode: it takes connections of its own machine only'],
];

/** Words of a server that is full for now. */
const FULL = /^ERR max number of clients/;

/** The words of ioredis for a command that it refused to send: they name an option that is not the caller's. */
const BROKEN = /isn't writeable/;
/** The words for a command that was not sent. */
const NOT_SENT = /isn't writeable|isn't ready/;
const TIMED_OUT = /timed out|timeout|no connection within|no answer within/i;

/**
 * Classifies the error of a command.
 * @param lastError - Why the connection broke, where it did: that says more than that it is broken.
 * @param failsOver - Whether another server may take over.
 */
export function failureOf(error: unknown, lastError: unknown, failsOver: boolean): RedisFailure {
  const message = messageOf(error);
  const last = lastRedirection(message);
  const words = last ?? message;
  // An error that is no reply of the server says only that none came.
  const replied = isReplyError(error) || (last !== undefined && /^[A-Z]{3,} /.test(last));
  if (!replied) return unreachable(lastError ?? error, !NOT_SENT.test(words));
  const [, layout, state = ''] = /^DIFFSYNCFORMAT ([^.|]*)\|(.*?)(?: script: |$)/s.exec(words) ?? [];
  if (layout !== undefined) {
    const { code, text } = formatMismatch(layout, parseMetadataKey(state).model);
    return { code, text, cause: undefined, sent: false, retryable: false };
  }
  // A client of a cluster was sent to and fro.
  const isMoving = last !== undefined && /^(MOVED|ASK) /.test(last);
  const [code, remedy, retryable] = (isMoving ? REPLIES['TRYAGAIN'] : known(error, words)) ?? [
    'STORE_FAILED',
    'the server refuses',
    'never',
  ];
  return {
    code,
    text: `${remedy} (${message})`,
    cause: error,
    sent: false,
    retryable: retryable === 'always' || (retryable === 'during failover' && failsOver),
  };
}

/** Whether a cluster refused a command because its slot moves to another node, and some of its keys are there already. */
export function isSlotMoving(error: unknown): boolean {
  const message = messageOf(error);
  return message.startsWith('TRYAGAIN') || /^(TRYAGAIN|MOVED|ASK) /.test(lastRedirection(message) ?? '');
}

/** The words of the last node, where a client of a cluster was sent to and fro. */
function lastRedirection(message: string): string | undefined {
  return /^Too many Cluster redirections\. Last error: (?:\w+: )?(.*)/.exec(message)?.[1];
}

/** The server's time, in ms since 1970, when it refused a write after its deadline; undefined for every other error. */
export function refusedAt(error: unknown): number | undefined {
  const [, time] = /^DIFFSYNCLATE (\d+)/.exec(messageOf(error)) ?? [];
  return time === undefined ? undefined : Number(time);
}

/** The model of a write that was refused because its log is not among the declared keys; undefined for every other error. */
export function undeclaredLog(error: unknown): string | undefined {
  const [, state] = /^DIFFSYNCLOG (.*?)(?: script: |$)/s.exec(messageOf(error)) ?? [];
  return state === undefined ? undefined : parseMetadataKey(state).model;
}

/** Whether a write was refused because a later holder of its lease has written. */
export function isFenced(error: unknown): boolean {
  return messageOf(error).startsWith('DIFFSYNCFENCE');
}

/** Classifies the error of a connection that is not up. */
export function unreachable(cause: unknown, sent = false): RedisFailure {
  const message = messageOf(cause);
  // The words of a cluster client hide those of its last node.
  const { lastNodeError } = (cause ?? {}) as { lastNodeError?: unknown };
  for (const error of [cause, lastNodeError]) {
    if (!(error instanceof CredentialsFailed)) continue;
    return { code: 'STORE_CREDENTIALS', text: error.message, cause: error.cause, sent, retryable: true };
  }
  const nodes = lastNodeError === undefined ? '' : messageOf(lastNodeError);
  const [code, remedy, retryable] = known(cause, message) ??
    known(lastNodeError, nodes) ?? [
      TIMED_OUT.test(message) ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE',
      'no connection',
      'always',
    ];
  const words = BROKEN.test(message) ? 'the last one broke, and the next one is being made' : message;
  const text = nodes === '' ? words : `${words} ${nodes}`;
  return { code, text: `${remedy} (${text})`, cause, sent, retryable: retryable !== 'never' };
}

function known(error: unknown, words: string): readonly [StoreErrorCode, string, Retryable] | undefined {
  const reply = REPLIES[/^[A-Z]+/.exec(words)?.[0] ?? ''];
  if (reply !== undefined) return reply;
  if (FULL.test(words))
    return ['STORE_UNAVAILABLE', 'the server is at its "maxclients": it takes no more connections', 'always'];
  const missing = missingCommand(words);
  if (missing !== undefined && /^eval/i.test(missing)) return NO_SCRIPTS;
  if (missing !== undefined) {
    return [
      'STORE_COMMAND_MISSING',
      `the server has no command "${missing}": it must not be disabled or renamed`,
      'never',
    ];
  }
  const denied = deniedCommand(error, words);
  if (denied !== undefined) {
    return ['STORE_PERMISSION', `the user may not run "${denied}", or not on this key: extend its ACL`, 'never'];
  }
  for (const [phrase, code, remedy] of PHRASES) if (phrase.test(words)) return [code, remedy, 'never'];
  return undefined;
}

/**
 * What servers say of a command in a script that they do not run; they add its SHA-1 and line, by which it is found, because
 * not all of them name it. Each has words of its own, and no code: Redis 7, and Redis 8 and Valkey.
 */
const IN_SCRIPT = /^ERR (.*?) script: (\w+), on @user_script:(\d+)/;
const DENIED_IN_SCRIPT = /^(The user executing the script can't |ACL failure in script: )/;
const MISSING_IN_SCRIPT = /^Unknown (Redis )?command called from script/;

/** The command that the server does not have. */
function missingCommand(words: string): string | undefined {
  const [, what = '', sha = '', line] = IN_SCRIPT.exec(words) ?? [];
  if (MISSING_IN_SCRIPT.test(what)) return scriptCommand(sha, Number(line)) ?? 'a command of a script';
  return /^ERR unknown command ['`]?([^'`, ]+)/i.exec(words)?.[1]?.toLowerCase();
}

/** The command that the ACL of the user forbids. */
function deniedCommand(error: unknown, words: string): string | undefined {
  const [, what = '', sha = '', line] = IN_SCRIPT.exec(words) ?? [];
  if (DENIED_IN_SCRIPT.test(what)) return scriptCommand(sha, Number(line)) ?? 'a command of a script';
  if (!words.startsWith('NOPERM')) return undefined;
  const [, named] = /'([^']+)' command/.exec(words) ?? [];
  return named ?? commandOf(error) ?? 'a command';
}

/** There is no connection. */
const DOWN: ReadonlySet<StoreErrorCode> = new Set([
  'STORE_UNAVAILABLE',
  'STORE_TIMEOUT',
  'STORE_AUTH',
  'STORE_CREDENTIALS',
]);

/**
 * @param where - Begins the message.
 * @param unknown - Whether the command was a write that may have been done.
 */
export function exceptionOf(where: string, { code, text, cause }: RedisFailure, unknown = false): ObjectStoreException {
  const down = DOWN.has(code);
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

/** The properties in which ioredis and Node put further errors. */
const NESTED = ['cause', 'lastNodeError', 'previousErrors', 'errors'];

/** Removes what ioredis and Node attach to errors: the arguments of a command (a password, values of objects), certificates. */
function withoutSecrets(error: unknown, seen = new Set<unknown>()): unknown {
  if (typeof error !== 'object' || error === null || seen.has(error)) return error;
  seen.add(error);
  const parts = error as Record<string, unknown>;
  const name = commandOf(error);
  if (name !== undefined) Object.defineProperty(error, 'command', { value: { name }, configurable: true });
  if (parts['cert'] !== undefined) Object.defineProperty(error, 'cert', { value: undefined, configurable: true });
  for (const part of NESTED) {
    const nested = parts[part];
    for (const each of Array.isArray(nested) ? (nested as unknown[]) : [nested]) withoutSecrets(each, seen);
  }
  return error;
}

function commandOf(error: unknown): string | undefined {
  return (error as { command?: { name?: string } } | undefined)?.command?.name;
}
