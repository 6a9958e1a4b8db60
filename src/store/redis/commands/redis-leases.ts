import type { LeaseHolder } from '../../../errors.js';
import type { LeaseAnswer, LeaseRequest, LeaseTable } from '../../lease-table.js';
import type { RedisKeys } from '../layout/keys.js';
import type { CommandExecutor } from './command-executor.js';

/**
 * The lease of one store: a hash at a key of its own, by the clock of the server that holds it. The libraries that lock by ioredis 6
 * (redis-semaphore 5, redlock-universal 0.8, @sesamecare-oss/redlock 1) are not used: none of them gives a number that only rises, so
 * that the server could refuse the writes of an earlier holder.
 */
export class RedisLeases implements LeaseTable {
  constructor(
    private readonly keys: RedisKeys,
    private readonly commands: CommandExecutor,
  ) {}

  async take(request: LeaseRequest, signal?: AbortSignal): Promise<LeaseAnswer> {
    const { token, runId, by, process, ttlMs, joins } = request;
    const { lease } = this.keys;
    const args = [token, runId, by, process, String(ttlMs), joins ? '1' : '0', this.keptFor(ttlMs)];
    const [granted, number, itsToken = '', ...fields] = await this.commands.write(
      lease,
      (client, deadline) => client.diffsyncAcquireLease(lease, ...args, deadline),
      { signal },
    );
    const holder = holderOf(fields);
    if (granted === 1) return { granted: true, fence: Number(number), token: itsToken, holder };
    const leftMs = Number(number);
    return { granted: false, holder: leftMs > 0 ? holder : undefined, leftMs };
  }

  async renew(token: string, ttlMs: number): Promise<boolean> {
    const { lease } = this.keys;
    const renewed = await this.commands.write(lease, (client, deadline) =>
      client.diffsyncRenewLease(lease, token, String(ttlMs), this.keptFor(ttlMs), deadline),
    );
    return renewed === 1;
  }

  async release(token: string): Promise<void> {
    const { lease } = this.keys;
    await this.commands.writeMetadata(lease, (client, deadline) => client.diffsyncReleaseLease(lease, token, deadline));
  }

  async holder(signal?: AbortSignal): Promise<LeaseHolder | undefined> {
    const fields = await this.commands.read((client) => client.diffsyncLeaseHolder(this.keys.lease), { signal });
    return fields.length === 0 ? undefined : holderOf(fields);
  }

  /** How long the key is kept at least: in a store with a ttl no key stays for ever. */
  private keptFor(ttlMs: number): string {
    const { ttl } = this.keys;
    return ttl === undefined ? '0' : String(2 * Math.max(ttl, ttlMs));
  }
}

function holderOf([runId = '', by = '', process = '', since = '']: readonly string[]): LeaseHolder {
  return { runId, by, process, since: timeOf(since) };
}

/** @param ms - Since 1970. @returns '' for a text that another program has written there, and that is no time. */
function timeOf(ms: string): string {
  return /^\d{1,15}$/.test(ms) ? new Date(Number(ms)).toISOString() : '';
}
