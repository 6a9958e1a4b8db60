/** The address of a server, as `RedisStoreOptions` takes it. */
interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[IPv6]:port`; an IPv6 address may stand without brackets too. */
const ADDRESS = /^(?:\[(.+)\]|([^:@/\s]+|[\da-f:.]+:[\da-f:.]*)):(\d+)$/i;

/**
 * Parses `host:port`, or several of them separated by commas.
 * @returns undefined for any other text.
 */
export function parseAddressList(text: string): Address[] | undefined {
  const addresses: Address[] = [];
  for (const address of text.split(',')) {
    const [, ipv6, host = ipv6, port] = ADDRESS.exec(address.trim()) ?? [];
    if (host === undefined) return undefined;
    addresses.push({ host, port: Number(port) });
  }
  return addresses;
}
