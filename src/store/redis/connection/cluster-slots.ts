import type { Cluster, Redis } from 'ioredis';
import { RedisFailed } from './reply-errors.js';

const SLOTS = 16_384;
const slots = new Map<string, number>();
/** Keys whose slots are kept: the indexes of very many models. */
const MAX_KEPT = 10_000;

/**
 * Computes the slot of a key as the server does: CRC-16 (XMODEM) of its hash tag, the text in its first braces, or of all its bytes
 * where it has none. Source: the Redis Cluster specification. The package of ioredis has another slot for `foo{}{bar}`:
 * `findings/cluster-key-slot-empty-hash-tag.sh`.
 * @returns 0 to 16,383.
 */
export function slotOf(key: string): number {
  let slot = slots.get(key);
  if (slot === undefined) {
    if (slots.size >= MAX_KEPT) slots.clear();
    slots.set(key, (slot = crc16(Buffer.from(/^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key)) % SLOTS));
  }
  return slot;
}

/** @returns the address of the master that holds a key, as far as the client knows: `host:port`; '' where none is known. */
export function masterAddress(cluster: Cluster, key: string): string {
  return cluster.slots[slotOf(key)]?.[0] ?? '';
}

/** What a node of a cluster says of its slots. */
export interface SlotsInfo {
  readonly state: string;
  readonly assigned: number;
  readonly failing: number;
}

/**
 * Asks every master, because the client may choose one that is down: the first answer counts.
 * @returns the answer.
 * @throws {RedisFailed} (STORE_CLUSTER_DOWN) when a part of the slots is not served; what the last one says when none answers.
 */
export async function checkSlotsServed(cluster: Cluster): Promise<SlotsInfo> {
  const slots = await Promise.any(cluster.nodes('master').map(slotsInfo)).catch(({ errors }: AggregateError) => {
    throw errors.at(-1) ?? new Error("Cluster isn't ready");
  });
  const fault = faultOf(slots);
  if (fault === undefined) return slots;
  const text = `the cluster does not serve all slots: ${fault}`;
  throw new RedisFailed({ code: 'STORE_CLUSTER_DOWN', text, cause: undefined, sent: false, retryable: false });
}

/** @returns what a node says of slots that are not served; undefined when all are. */
export async function slotsFault(client: Pick<Redis, 'cluster'>): Promise<string | undefined> {
  return faultOf(await slotsInfo(client));
}

async function slotsInfo(client: Pick<Redis, 'cluster'>): Promise<SlotsInfo> {
  const info = await client.cluster('INFO');
  const valueOf = (field: string): string => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1] ?? '?';
  return {
    state: valueOf('cluster_state'),
    assigned: Number(valueOf('cluster_slots_assigned')),
    failing: Number(valueOf('cluster_slots_fail')),
  };
}

function faultOf({ state, assigned, failing }: SlotsInfo): string | undefined {
  if (state === 'ok' && assigned === SLOTS && failing === 0) return undefined;
  return `its state is "${state}", ${assigned} of ${SLOTS} slots have a node, and those of ${failing} fail`;
}

function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}
