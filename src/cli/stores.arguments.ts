import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { ValueError } from '../errors.js';
import { parseAddressList } from '../store/address-list.js';
import { parseOptions, type OptionValues } from './parse-options.js';
import type { RedisAddress, AnyRedisOptions } from '../store/redis/redis-options.js';
import type { StoresCommand } from './stores.command.js';
import type { Io } from './io.js';

export const STORES_HELP = `nestjs-diffsync stores [options]

Lists the stores in Redis: objects of each model, memory (an estimate), last change, format.

Where:
  --url <url>                 redis://[[user]:password@]host[:port][/db], or rediss:// for TLS;
                              default: DIFFSYNC_STORE_URL
  --cluster <host:port,…>     some nodes of a cluster
  --sentinel <host:port,…>    sentinels, with
  --master-name <name>        the name of their master
  --db <number>               the database; a cluster has none but 0
  --user <name>
  --tls                       TLS, as rediss:// says it
  --tls-ca <file>             TLS, trusting the certificates in this file (PEM)
  --tls-cert <file>           TLS, with this certificate of your own (PEM), and
  --tls-key <file>            its key (PEM)
  --sentinel-plain            no TLS to the sentinels, whatever that to their master is
Passwords come from the environment, as other users see arguments: DIFFSYNC_STORE_PASSWORD (instead of one in the
URL), DIFFSYNC_STORE_SENTINEL_PASSWORD.

What:
  --verify <store id>         compares the objects of this store with its index, and prints what is wrong; may be repeated
  --repair                    with --verify: repairs it too, but for values that are no objects
  --upgrade <store id>        raises this store to format 2, which logs what is written, and which earlier versions refuse;
                              may be repeated
  --prune <store id>          removes this store, and asks first; may be repeated
  --yes                       does not ask
  --json                      prints one line of JSON
  --help

Exit code: 0 when all is done or declined, 1 when it failed or a store is still damaged, 2 for wrong options.
`;

const OPTIONS = {
  url: { type: 'string' },
  cluster: { type: 'string' },
  sentinel: { type: 'string' },
  'master-name': { type: 'string' },
  db: { type: 'string' },
  user: { type: 'string' },
  tls: { type: 'boolean' },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'sentinel-plain': { type: 'boolean' },
  verify: { type: 'string', multiple: true },
  repair: { type: 'boolean' },
  upgrade: { type: 'string', multiple: true },
  prune: { type: 'string', multiple: true },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = OptionValues<typeof OPTIONS>;

/**
 * Reads the command line of the command `stores`, and the environment.
 * @returns the command, or 'help'.
 * @throws {ValueError} (VALUE_ERROR) whose message repeats no value, because it may be a URL with a password.
 */
export function readStoresArguments(argv: readonly string[], env: Io['env']): StoresCommand | 'help' {
  const { values, positionals } = parseOptions(argv, OPTIONS);
  if (values.help === true) return 'help';
  if (positionals.length > 0) throw new ValueError('stores takes no arguments beside its options; see --help');
  const { verify = [], repair = false, upgrade = [], prune = [], yes = false, json = false } = values;
  const [one, another] = Object.entries({ verify, upgrade, prune }).flatMap(([name, { length }]) =>
    length > 0 ? [name] : [],
  );
  if (another !== undefined) throw new ValueError(`--${one} and --${another} can't be specified together`);
  if (repair && verify.length === 0) throw new ValueError('--repair goes with --verify <store id> only');
  const ids = { verify: [...new Set(verify)], upgrade: [...new Set(upgrade)], prune: [...new Set(prune)] };
  return { server: serverOf(values, env), ...ids, repair, yes, json };
}

function serverOf(values: Values, env: Io['env']): AnyRedisOptions {
  const { cluster, sentinel, db, 'master-name': masterName, 'sentinel-plain': sentinelPlain } = values;
  const url = values.url ?? (cluster === undefined && sentinel === undefined ? env['DIFFSYNC_STORE_URL'] : undefined);
  if (!url && cluster === undefined && sentinel === undefined) {
    throw new ValueError('where are the stores? Give --url, --cluster or --sentinel, or set DIFFSYNC_STORE_URL');
  }
  return {
    url,
    cluster: cluster === undefined ? undefined : { nodes: addresses('--cluster', cluster) },
    sentinels: sentinel === undefined ? undefined : addresses('--sentinel', sentinel),
    masterName,
    db: db === undefined ? undefined : wholeNumber(db),
    username: values.user,
    password: env['DIFFSYNC_STORE_PASSWORD'] || undefined,
    sentinelPassword: sentinel === undefined ? undefined : env['DIFFSYNC_STORE_SENTINEL_PASSWORD'] || undefined,
    tls: tlsOf(values),
    sentinelTls: sentinelPlain === true ? false : undefined,
  };
}

function addresses(option: string, text: string): RedisAddress[] {
  const list = parseAddressList(text);
  if (list === undefined) throw new ValueError(`${option}: not host:port, or several of them with commas between`);
  return list;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new ValueError('--db: not a whole number');
  return Number(text);
}

/** @returns undefined where no option asks for TLS. */
function tlsOf(values: Values): ConnectionOptions | undefined {
  const { tls, 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key } = values;
  if ((cert === undefined) !== (key === undefined))
    throw new ValueError('--tls-cert and --tls-key are specified together');
  if (tls !== true && ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca: contents('--tls-ca', ca) }),
    ...(cert === undefined ? {} : { cert: contents('--tls-cert', cert) }),
    ...(key === undefined ? {} : { key: contents('--tls-key', key) }),
  };
}

function contents(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ValueError(`${option}: ${(error as Error).message}`, { cause: error });
  }
}
