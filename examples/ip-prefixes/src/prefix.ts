import { isIP } from 'node:net';

/**
 * @returns one spelling for all of an IP prefix: `10.0.0.0 255.0.0.0`, `10.0.0.0/255.0.0.0` and `10.0.0.0/8` are `10.0.0.0/8`,
 * `2001:0DB8::/32` is `2001:db8::/32`; undefined for what is no prefix.
 */
export function canonicalPrefix(text: string): string | undefined {
  const [address = '', mask = ''] = text.trim().split(/[/\s]+/);
  const version = isIP(address);
  const length = version === 4 && isIP(mask) === 4 ? lengthOf(mask) : /^\d{1,3}$/.test(mask) ? Number(mask) : undefined;
  if (version === 0 || length === undefined || length > (version === 4 ? 32 : 128)) return undefined;
  // The hostname of a URL has an IPv6 address in its shortest form.
  return `${version === 4 ? address : new URL(`http://[${address}]`).hostname.slice(1, -1)}/${length}`;
}

/** The number of ones of an IPv4 mask; undefined where a zero is before a one. */
function lengthOf(mask: string): number | undefined {
  const bits = mask
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined;
}
