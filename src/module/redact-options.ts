import { inspect } from 'node:util';

/** The options that are printed. All others are hidden: an option of a custom engine may be a secret too. */
const PRINTED: ReadonlySet<string> = new Set(
  (
    'engine storeId verbosity retryAttempts retryDelay maxObjectBytes slowOperationMs timeout port db masterName scaleReads shards ' +
    'durability ttl changeLog'
  ).split(' '),
);

/** @returns the same object, with methods that redact what may be a secret when it is inspected or converted to JSON. */
export function redactSecrets<T extends object>(options: T): T {
  const printed = (): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [
        name,
        PRINTED.has(name) ? value : name === 'url' ? redactUrl(value) : '(hidden)',
      ]),
    );
  return Object.defineProperties(options, { [inspect.custom]: { value: printed }, toJSON: { value: printed } });
}

function redactUrl(url: unknown): string {
  if (typeof url !== 'string' || !URL.canParse(url)) return '(hidden)';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
