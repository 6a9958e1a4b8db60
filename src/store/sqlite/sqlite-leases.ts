import type { LeaseHolder } from '../../errors.js';
import type { LeaseAnswer, LeaseRequest, LeaseTable } from '../lease-table.js';
import type { SqliteConnection } from './sqlite-connection.js';
import type { SqliteStatements, StoredLease } from './sqlite-statements.js';

/** The lease of one store, as a row of the file; by the clock of the machine, which all processes share. */
export class SqliteLeases implements LeaseTable {
  /** @param store - returns what begins the message of an error. */
  constructor(
    private readonly connection: SqliteConnection,
    private readonly storeId: string,
    private readonly store: () => string,
  ) {}

  take(request: LeaseRequest, signal?: AbortSignal): Promise<LeaseAnswer> {
    return this.write((sql) => this.taken(sql, request), signal);
  }

  async renew(token: string, ttlMs: number): Promise<boolean> {
    const renew = (sql: SqliteStatements): number =>
      sql.leases.renew.run(Date.now() + ttlMs, this.storeId, token).changes;
    return (await this.write(renew)) === 1;
  }

  async release(token: string): Promise<void> {
    await this.write((sql) => sql.leases.release.run(this.storeId, token));
  }

  async holder(signal?: AbortSignal): Promise<LeaseHolder | undefined> {
    const find = (sql: SqliteStatements): StoredLease | undefined =>
      // A file of an older version may be open for reads only, and then it has no such table.
      sql.leaseTable.get() === undefined ? undefined : sql.leases.find.get(this.storeId);
    const lease = await this.connection.read(this.store(), find, signal);
    return isHeld(lease, Date.now()) ? holderOf(lease) : undefined;
  }

  private taken(sql: SqliteStatements, request: LeaseRequest): LeaseAnswer {
    const { token, runId, by, process, ttlMs, joins } = request;
    const lease = sql.leases.find.get(this.storeId);
    const now = Date.now();
    const expires = now + ttlMs;
    if (isTaken(lease) && (joins ? lease.run_id === runId : lease.token === token)) {
      sql.leases.renew.run(expires, this.storeId, lease.token);
      return { granted: true, fence: lease.fence, token: lease.token, holder: holderOf(lease) };
    }
    if (isHeld(lease, now)) return { granted: false, holder: holderOf(lease), leftMs: lease.expires - now };
    if (joins) return { granted: false, holder: undefined, leftMs: 0 };
    const holder = { runId, by, process, since: new Date(now).toISOString() };
    const fence = (lease?.fence ?? 0) + 1;
    sql.leases.take.run(this.storeId, fence, token, runId, by, process, holder.since, expires);
    return { granted: true, fence, token, holder };
  }

  private write<T>(queries: (sql: SqliteStatements) => T, signal?: AbortSignal): Promise<T> {
    return this.connection.write(this.store(), queries, signal);
  }
}

type TakenLease = StoredLease & { readonly token: string; readonly expires: number };

/** Whether it is not released; it may have expired. */
function isTaken(lease: StoredLease | undefined): lease is TakenLease {
  return lease !== undefined && lease.token !== null;
}

function isHeld(lease: StoredLease | undefined, now: number): lease is TakenLease {
  return isTaken(lease) && lease.expires > now;
}

/** @returns who holds the lease, as the row says; undefined once it is released. */
export function holderOf(lease: TakenLease): LeaseHolder;
export function holderOf(lease: StoredLease): LeaseHolder | undefined;
export function holderOf({
  token,
  run_id: runId,
  started_by: by,
  process,
  since,
}: StoredLease): LeaseHolder | undefined {
  if (token === null) return undefined;
  return { runId: runId ?? '', by: by ?? '', process: process ?? '', since: since ?? '' };
}
