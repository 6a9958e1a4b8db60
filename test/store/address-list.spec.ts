import { describe, expect, it } from '@jest/globals';
import { parseAddressList } from '../../src/store/address-list.js';

describe('parseAddressList()', () => {
  it('parses one address and several, with spaces around the commas', () => {
    expect(parseAddressList('a:1')).toEqual([{ host: 'a', port: 1 }]);
    expect(parseAddressList('a.example:1, b-2:22')).toEqual([
      { host: 'a.example', port: 1 },
      { host: 'b-2', port: 22 },
    ]);
  });

  it('parses an IPv6 address, with brackets and without', () => {
    expect(parseAddressList('[fe80::1]:1,::1:2')).toEqual([
      { host: 'fe80::1', port: 1 },
      { host: '::1', port: 2 },
    ]);
  });

  it.each(['', 'a', 'a:', ':1', 'a:b', 'a:1,', ',a:1', 'redis://a:1', 'user@a:1', 'a b:1'])('refuses %j', (text) => {
    expect(parseAddressList(text)).toBeUndefined();
  });
});
