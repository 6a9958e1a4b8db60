import { inspect } from 'node:util';

/** What shows when options are printed. An option of an engine of your own may be a secret too, so others do not. */
const SHOWN: ReadonlySet<string> = new Set(
  (
    'engine storeId verbosity retryAttempts retryDelay maxObjectBytes timeout port db masterName scaleReads shards ' +
    'durability ttl'
  ).split(' '),
);

/** The same options, which print without what may be a secret: by `inspect` and as JSON. */
export function hideSecrets<T extends object>(options: T): T {
  const printed = (): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [
        name,
        SHOWN.has(name) ? value : name === 'url' ? placeOf(value) : '(hidden)',
      ]),
    );
  return Object.defineProperties(options, { [inspect.custom]: { value: printed }, toJSON: { value: printed } });
}

function placeOf(url: unknown): string {
  if (typeof url !== 'string' || !URL.canParse(url)) return '(hidden)';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
