import { useEffect, useState } from 'preact/hooks';

/**
 * Where the board is: the part of the address after `#`. The server sees none of it, so that the page works below any prefix.
 * Each part of the path is encoded by itself: a unique id may hold any character, `/`, `?` and `%` among them.
 */
export interface Address {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** What an address asks for; a list is given several times. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads the part of an address after `#`. What cannot be decoded is taken as it is. */
function readAddress(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  return {
    path: path === '' ? [] : path.split('/').map(decoded),
    query: new URLSearchParams(query),
  };
}

/** The text of an address, for `href`. */
export function hrefTo(path: readonly string[], query: Query = {}): string {
  return `#/${path.map(encodeURIComponent).join('/')}${queryText(query)}`;
}

/** A query with its question mark; what is empty is left out. */
export function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : (value ?? [])).filter(Boolean).map((each): [string, string] => [name, each]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** The address that is shown, and again whenever it changes. */
export function useAddress(): Address {
  const [address, setAddress] = useState(() => readAddress(location.hash));
  useEffect(() => {
    const read = (): void => setAddress(readAddress(location.hash));
    addEventListener('hashchange', read);
    read();
    return () => removeEventListener('hashchange', read);
  }, []);
  return address;
}

/** Goes to an address, as a link would; with `replace` the one before is no step back. */
export function goTo(href: string, { replace = false } = {}): void {
  if (replace) location.replace(href);
  else location.hash = href;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
