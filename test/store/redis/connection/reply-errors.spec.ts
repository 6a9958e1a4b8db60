// What the servers say, word for word: Redis 7.0.15, Redis 8.0.2 and Valkey 8.0.1. Where they differ there are several.
import { describe, expect, it } from '@jest/globals';
import { ReplyError } from 'ioredis';
import type { StoreErrorCode } from '../../../../src/index.js';
import { failureOf } from '../../../../src/store/redis/connection/reply-errors.js';
import { assembledScripts, scriptSha } from '../../../../src/store/redis/scripts/scripts.js';

type Retried = 'never' | 'always' | 'during failover';

const insert = assembledScripts().get('diffsyncInsert') ?? '';
const line = insert.split('\n').findIndex((each) => each.includes("redis.call('MSETNX'")) + 1;
const inScript = `script: ${scriptSha(insert)}, on @user_script:${line}.`;

const WORDS: readonly [says: string, code: StoreErrorCode, retried: Retried, names?: string][] = [
  ["NOPERM this user has no permissions to run the 'get' command", 'STORE_PERMISSION', 'never', '"get"'],
  ["NOPERM User u has no permissions to run the 'get' command", 'STORE_PERMISSION', 'never', '"get"'],
  ["NOPERM User u has no permissions to run the 'client|info' command", 'STORE_PERMISSION', 'never', '"client|info"'],
  ['NOPERM this user has no permissions to access one of the keys used as arguments', 'STORE_PERMISSION', 'never'],
  ['NOPERM No permissions to access a key', 'STORE_PERMISSION', 'never'],
  [
    `ERR The user executing the script can't run this command or subcommand ${inScript}`,
    'STORE_PERMISSION',
    'never',
    '"msetnx"',
  ],
  [
    `ERR ACL failure in script: User u has no permissions to run the 'msetnx' command ${inScript}`,
    'STORE_PERMISSION',
    'never',
    '"msetnx"',
  ],
  [
    `ERR The user executing the script can't access at least one of the keys mentioned in the command arguments ${inScript}`,
    'STORE_PERMISSION',
    'never',
  ],
  [`ERR ACL failure in script: No permissions to access a key ${inScript}`, 'STORE_PERMISSION', 'never'],
  ["ERR unknown command 'mget', with args beginning with: 'x' ", 'STORE_COMMAND_MISSING', 'never', '"mget"'],
  ["ERR unknown command 'client', with args beginning with: 'INFO' ", 'STORE_COMMAND_MISSING', 'never', '"client"'],
  [`ERR Unknown Redis command called from script ${inScript}`, 'STORE_COMMAND_MISSING', 'never', '"msetnx"'],
  [`ERR Unknown command called from script ${inScript}`, 'STORE_COMMAND_MISSING', 'never', '"msetnx"'],
  ["ERR unknown command 'eval', with args beginning with: 'return 1' '0' ", 'STORE_SCRIPT_MISSING', 'never', 'EVAL'],
  ["ERR unknown command 'evalsha', with args beginning with: '00' '0' ", 'STORE_SCRIPT_MISSING', 'never', 'EVAL'],
  ['NOSCRIPT No matching script. Please use EVAL.', 'STORE_SCRIPT_MISSING', 'always'],
  ['NOSCRIPT No matching script.', 'STORE_SCRIPT_MISSING', 'always'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'STORE_WRONG_KEY_TYPE', 'never'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'STORE_OUT_OF_MEMORY', 'never'],
  ['MISCONF Redis is configured to save RDB snapshots, but …', 'STORE_MISCONFIGURED', 'during failover'],
  ['MISCONF Valkey is configured to save RDB snapshots, but …', 'STORE_MISCONFIGURED', 'during failover'],
  ['NOREPLICAS Not enough good replicas to write.', 'STORE_NO_REPLICAS', 'during failover'],
  ["READONLY You can't write against a read only replica.", 'STORE_READ_ONLY', 'during failover'],
  ['BUSY Redis is busy running a script. …', 'STORE_UNAVAILABLE', 'always'],
  ['BUSY Valkey is busy running a script. …', 'STORE_UNAVAILABLE', 'always'],
  ['LOADING Redis is loading the dataset in memory', 'STORE_UNAVAILABLE', 'always', 'loading'],
  ['LOADING Valkey is loading the dataset in memory', 'STORE_UNAVAILABLE', 'always', 'loading'],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'STORE_UNAVAILABLE', 'always'],
  ['NOAUTH HELLO must be called with the client already authenticated, …', 'STORE_AUTH', 'never'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'STORE_AUTH', 'never'],
  ['DENIED Redis is running in protected mode because …', 'STORE_AUTH', 'never'],
  ['ERR max number of clients reached', 'STORE_UNAVAILABLE', 'always', 'maxclients'],
  ['CLUSTERDOWN Hash slot not served', 'STORE_CLUSTER_DOWN', 'during failover'],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'STORE_UNAVAILABLE', 'always'],
  ['ASK 15495 127.0.0.1:17104', 'STORE_UNAVAILABLE', 'during failover'],
  ['MOVED 15495 127.0.0.1:17103', 'STORE_WRONG_TOPOLOGY', 'during failover'],
];

describe('failureOf()', () => {
  it.each(WORDS)('%s', (says, code, retried, names = '') => {
    const error = new (ReplyError as new (message: string) => Error)(says);
    const [alone, failingOver] = [false, true].map((failsOver) => failureOf(error, undefined, failsOver));
    expect(alone).toMatchObject({ code, sent: false, retryable: retried === 'always' });
    expect(failingOver).toMatchObject({ code, retryable: retried !== 'never' });
    expect(alone?.text).toContain(names);
  });

  it('names no option of the driver where a connection broke', () => {
    const error = new Error("Stream isn't writeable and enableOfflineQueue options is false");
    expect(failureOf(error, undefined, false)).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      text: 'no connection (the last one broke, and the next one is being made)',
      sent: false,
      retryable: true,
    });
  });
});
