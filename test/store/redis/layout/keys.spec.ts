import { describe, expect, it } from '@jest/globals';
import { formatMismatch, formatText, isSameLayout, parseFormat } from '../../../../src/store/redis/layout/format.js';
import { parseMetadataKey, RedisKeys } from '../../../../src/store/redis/layout/keys.js';

describe('the layout of a model', () => {
  it.each([
    [1, undefined, false, '1'],
    [8, undefined, false, '1, 8 shards'],
    [1, 5000, false, '1, expires'],
    [8, 5000, false, '1, 8 shards, expires'],
    [1, undefined, true, '2'],
    [8, undefined, true, '2, 8 shards'],
    // Of what expires no log is kept.
    [8, 5000, true, '1, 8 shards, expires'],
  ])('of %s shards and a ttl of %s, with a log: %s, is "%s"', (shards, ttl, changeLog, text) => {
    expect(formatText({ shards, ttl, changeLog })).toBe(text);
    expect(parseFormat(text)).toEqual({ version: Number(text[0]), shards, expires: ttl !== undefined });
  });

  it.each([
    ['1', '2', true],
    ['2, 4 shards', '1, 4 shards', true],
    ['2, 4 shards', '2', false],
    ['1, expires', '2', false],
    ['3', '2', false],
    ['12', '2', false],
    ['', '1', false],
  ])('"%s" can be used by a store of "%s": %s', (found, own, same) => {
    expect(isSameLayout(found, own)).toBe(same);
  });

  it('that is newer and one that is only other have different codes', () => {
    expect(formatMismatch('3', undefined).code).toBe('STORE_NEWER_FORMAT');
    expect(formatMismatch('1, 8 shards', 'device').code).toBe('STORE_OTHER_LAYOUT');
  });
});

describe('the keys of a store', () => {
  it.each([
    [false, 1],
    [true, 1],
    [true, 3],
  ])('are parsed as they are built, on a cluster: %s, shards: %s', (cluster, shards) => {
    const keys = new RedisKeys('inv', { cluster, shards, ttl: undefined, changeLog: false });
    const own = keys.of('device');
    for (const [shard, { index, state, log, prefix }] of own.entries()) {
      expect(parseMetadataKey(index)).toMatchObject({ id: 'inv', model: 'device' });
      expect(parseMetadataKey(state).name).toBe(parseMetadataKey(index).name);
      expect(parseMetadataKey(log).name).toBe(parseMetadataKey(index).name);
      expect(keys.parse(Buffer.from(index))).toEqual({ model: 'device', shard, uid: undefined });
      expect(keys.parse(Buffer.from(`${prefix}a:b`))).toEqual({ model: 'device', shard, uid: Buffer.from('a:b') });
    }
    expect(parseMetadataKey(keys.models)).toEqual({ id: 'inv', name: 'inv' });
    expect(keys.formatKey('device')).toBe(shards === 1 ? own[0]?.state : 'diffsync.state:{inv:device}');
    expect(parseMetadataKey(keys.sequence('device'))).toMatchObject({ id: 'inv', model: 'device' });
    expect(keys.parse(Buffer.from('diffsync:other:device:a'))).toBeUndefined();
  });
});
