import { z } from 'zod';
import { problemsOf, type Problem } from '../../values/zod-issues.js';
import { refuseProblems } from '../check-options.js';
import type { BaseStoreOptions } from '../store-options.js';
import {
  deadLinkAfter,
  DEFAULT_TIMEOUT_MS,
  DEFAULT_WAIT_MS,
  type AnyRedisOptions,
  type RedisClient,
  type RedisClientOptions,
  type RedisCredentialsProvider,
} from './redis-options.js';

/** What a URL must be, else why not; never with a part of it, which may be a password. */
function urlFault(text: string): string | undefined {
  const [, authority = ''] = /^rediss?:\/\/(.*)@/s.exec(text) ?? [];
  const [raw] = /[#/?]/.exec(authority) ?? [];
  if (raw !== undefined) {
    const code = `%${raw.charCodeAt(0).toString(16).toUpperCase()}`;
    return `has a "${raw}" in its user name or password: percent-encode it as "${code}"`;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol)) return 'not a redis:// or rediss:// URL';
  if (url.hostname === '') return 'names no host';
  if (url.search !== '' || url.hash !== '') return 'nothing may follow the number of the database';
  if (!/^\/?\d*$/.test(url.pathname)) return 'the path is not the number of a database';
  return isPercentEncoded(url.username) && isPercentEncoded(url.password)
    ? undefined
    : 'user name or password is not percent-encoded; write "%" as "%25"';
}

function isPercentEncoded(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

const port = z.int().min(1).max(65535);
/** No URL: that may have a password, and a host is shown as part of the address. */
const host = z.string().regex(/^[^\s/@?#[\]]+$|^\[[\da-f:.]+\]$/i, 'not the name or address of a host');
const address = z.strictObject({ host, port });
const replicas = z.int({ error: ({ input }) => (input === undefined ? 'missing' : undefined) }).min(1);

/** A client of a cluster has those of its nodes besides its own. */
function optionsOf({ options }: RedisClient): readonly RedisClientOptions[] {
  return [options ?? {}, options?.redisOptions ?? {}];
}

const schema = z.strictObject({
  url: z
    .string()
    .superRefine((text, context) => {
      const fault = urlFault(text);
      if (fault !== undefined) context.addIssue(fault);
    })
    .optional(),
  host: host.optional(),
  port: port.optional(),
  path: z.string().min(1).optional(),
  db: z.int().min(0).optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  credentials: z.custom<RedisCredentialsProvider>((value) => typeof value === 'function', 'not a function').optional(),
  tls: z.looseObject({}).optional(),
  sentinels: z.array(address).min(1).optional(),
  masterName: z.string().min(1).optional(),
  sentinelUsername: z.string().optional(),
  sentinelPassword: z.string().optional(),
  sentinelTls: z.union([z.literal(false), z.looseObject({})]).optional(),
  cluster: z.strictObject({ nodes: z.array(address).min(1) }).optional(),
  scaleReads: z.enum(['master', 'slave', 'all']).optional(),
  shards: z.int().min(1).max(1024).optional(),
  durability: z.strictObject({ replicas, timeout: z.int().min(1).optional() }).optional(),
  ttl: z.int().min(1000).optional(),
  client: z
    .custom<RedisClient>(
      (value) => typeof (value as RedisClient | undefined)?.defineCommand === 'function',
      'not an ioredis client',
    )
    .refine(
      (client) => optionsOf(client).every(({ keyPrefix }) => !keyPrefix),
      'has a keyPrefix, which scripts would not see; use storeId instead',
    )
    .refine(
      (client) =>
        optionsOf(client).every(
          ({ stringNumbers, replyMapping = 'legacy' }) => stringNumbers !== true && replyMapping === 'legacy',
        ),
      'has stringNumbers or a replyMapping, under which answers would be misread',
    )
    .optional(),
  timeout: z.int().min(1).optional(),
  changeLog: z.boolean().optional(),
});

type OptionName = keyof z.infer<typeof schema>;

/** How the server is authenticated to. */
const LOGIN = ['username', 'password', 'credentials'] as const;

/** The options that name the server, each with the options that go with it. */
const ENDPOINT_OPTIONS = {
  url: ['db', ...LOGIN, 'tls'],
  host: ['port', 'db', ...LOGIN, 'tls'],
  path: ['db', ...LOGIN],
  sentinels: ['masterName', 'sentinelUsername', 'sentinelPassword', 'sentinelTls', 'db', ...LOGIN, 'tls'],
  cluster: [...LOGIN, 'tls'],
  client: [],
} as const satisfies Partial<Record<OptionName, readonly OptionName[]>>;

/** How the options are called, and which of them count as given, where they come from somewhere else: from the environment. */
export interface OptionSource {
  /** The name of an option in a message. */
  nameOf(option: string): string;
  /** Whether an option is given, be it a wrong one that is not among the options. */
  isGiven(option: string): boolean;
}

/** Returns what is wrong with the options, each and together; no value is shown. */
export function redisProblems(options: Partial<Record<string, unknown>>, source?: OptionSource): Problem[] {
  const { nameOf, isGiven } = source ?? {
    nameOf: (option) => `"${option}"`,
    isGiven: (option) => options[option] !== undefined,
  };
  const checked = schema.safeParse(options);
  return [
    ...(checked.success ? [] : problemsOf(checked.error)),
    ...endpointProblems(nameOf, isGiven),
    ...loginProblems(options, nameOf, isGiven),
    ...(checked.success ? durabilityProblems(checked.data, nameOf) : []),
    ...(isGiven('cluster') || (options['client'] as RedisClient | undefined)?.isCluster === true
      ? []
      : (['scaleReads', 'shards'] as const)
          .filter(isGiven)
          .map((path) => ({ path, message: 'goes with a cluster only' }))),
  ];
}

/** The server is named in one way, and what is given goes with that. */
function endpointProblems(nameOf: OptionSource['nameOf'], isGiven: OptionSource['isGiven']): Problem[] {
  const ways = Object.keys(ENDPOINT_OPTIONS) as (keyof typeof ENDPOINT_OPTIONS)[];
  const way = ways.find(isGiven) ?? 'host';
  const fitting: readonly string[] = ENDPOINT_OPTIONS[way];
  const others = new Set<string>([...ways, ...ways.flatMap((each) => ENDPOINT_OPTIONS[each])]);
  const problems = [...others]
    .filter((other) => other !== way && isGiven(other) && !fitting.includes(other))
    .map((other) => ({
      path: other,
      message: isGiven(way)
        ? `can't be specified together with ${nameOf(way)}`
        : `goes with ${ways
            .filter((each) => belongs(each, other))
            .map(nameOf)
            .join(' or ')} only`,
    }));
  if (isGiven('sentinels') && !isGiven('masterName')) {
    problems.push({ path: 'masterName', message: `missing: ${nameOf('sentinels')} watch masters by name` });
  }
  return problems;
}

function belongs(way: keyof typeof ENDPOINT_OPTIONS, option: string): boolean {
  return (ENDPOINT_OPTIONS[way] as readonly string[]).includes(option);
}

function loginProblems(
  { url }: Partial<Record<string, unknown>>,
  nameOf: OptionSource['nameOf'],
  isGiven: OptionSource['isGiven'],
): Problem[] {
  if (!isGiven('credentials')) return [];
  const inUrl = typeof url === 'string' && URL.canParse(url) && /./.test(new URL(url).username + new URL(url).password);
  return [
    ...['username', 'password'].filter(isGiven).map(nameOf),
    ...(inUrl ? [`a user name or password in ${nameOf('url')}`] : []),
  ].map((what) => ({ path: 'credentials', message: `can't be specified together with ${what}` }));
}

function durabilityProblems(
  { durability, timeout = DEFAULT_TIMEOUT_MS }: z.infer<typeof schema>,
  nameOf: OptionSource['nameOf'],
): Problem[] {
  if (durability === undefined || (durability.timeout ?? DEFAULT_WAIT_MS) < deadLinkAfter(timeout)) return [];
  const message =
    `must be less than half of ${nameOf('timeout')}, and than ${deadLinkAfter(Infinity)} (default ${DEFAULT_WAIT_MS}): ` +
    `a link that is silent for so long counts as dead`;
  return [{ path: 'durability.timeout', message }];
}

/** @throws {ValueError} (VALUE_ERROR) with the path of each wrong option; its message has no value of an option. */
export function checkRedisOptions(options: Omit<AnyRedisOptions, keyof BaseStoreOptions>): void {
  refuseProblems('RedisStore', redisProblems({ ...options }));
}
