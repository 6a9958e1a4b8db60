import { describe, expect, it } from '@jest/globals';
import { FORMAT_VERSION, formatMismatch, formatText, parseFormat } from '../../../../src/store/redis/layout/format.js';
import { parseMetadataKey, RedisKeys } from '../../../../src/store/redis/layout/keys.js';

describe('the layout of a model', () => {
  it.each([
    [1, undefined, '1'],
    [8, undefined, '1, 8 shards'],
    [1, 5000, '1, expires'],
    [8, 5000, '1, 8 shards, expires'],
  ])('of %s shards and a ttl of %s is "%s"', (shards, ttl, text) => {
    expect(formatText({ shards, ttl })).toBe(text);
    expect(parseFormat(text)).toEqual({ version: FORMAT_VERSION, shards, expires: ttl !== undefined });
  });

  it('that is newer and one that is only other have different codes', () => {
    expect(formatMismatch('2', undefined).code).toBe('STORE_NEWER_FORMAT');
    expect(formatMismatch('1, 8 shards', 'device').code).toBe('STORE_OTHER_LAYOUT');
  });
});

describe('the keys of a store', () => {
  it.each([
    [false, 1],
    [true, 1],
    [true, 3],
  ])('are parsed as they are built, on a cluster: %s, shards: %s', (cluster, shards) => {
    const keys = new RedisKeys('inv', { cluster, shards, ttl: undefined });
    const own = keys.of('device');
    for (const [shard, { index, state, prefix }] of own.entries()) {
      expect(parseMetadataKey(index)).toMatchObject({ id: 'inv', model: 'device' });
      expect(parseMetadataKey(state).name).toBe(parseMetadataKey(index).name);
      expect(keys.parse(Buffer.from(index))).toEqual({ model: 'device', shard, uid: undefined });
      expect(keys.parse(Buffer.from(`${prefix}a:b`))).toEqual({ model: 'device', shard, uid: Buffer.from('a:b') });
    }
    expect(parseMetadataKey(keys.models)).toEqual({ id: 'inv', name: 'inv' });
    expect(keys.formatKey('device')).toBe(shards === 1 ? own[0]?.state : 'diffsync.state:{inv:device}');
    expect(parseMetadataKey(keys.sequence('device'))).toMatchObject({ id: 'inv', model: 'device' });
    expect(keys.parse(Buffer.from('diffsync:other:device:a'))).toBeUndefined();
  });
});
