import type { ObjectStoreException } from '../errors.js';
import type { OperationOptions } from './operation-context.js';

/** Milliseconds within which a store says how its backend is. */
export const DEFAULT_HEALTH_TIMEOUT_MS = 1000;

/** The memory of a server; of a cluster, that of the master which has least left. */
export interface MemoryHealth {
  /** What the server uses for all that it holds; bytes. */
  readonly usedBytes: number;
  /** Its `maxmemory`; bytes. Absent where it has none. */
  readonly limitBytes?: number | undefined;
  /** What the server does at its limit: under `noeviction` it refuses writes, under the others it removes objects. */
  readonly evictionPolicy?: string | undefined;
}

/** The replicas of a server; of a cluster, of the master that has the fewest, with the lag of those that are furthest behind. */
export interface ReplicaHealth {
  /** How many follow the server. */
  readonly online: number;
  /** Seconds since the server heard from the last of them. */
  readonly lagSeconds?: number | undefined;
  /** What the last of them does not have yet; bytes. */
  readonly lagBytes?: number | undefined;
}

/** A cluster, as one of its masters sees it. */
export interface ClusterHealth {
  /** `ok`, or the word that the node has. */
  readonly state: string;
  /** How many masters there are. */
  readonly masters: number;
  /** How many of the 16,384 slots have a node. */
  readonly slotsAssigned: number;
  /** How many slots are those of a node that fails. */
  readonly slotsFailing: number;
}

/** The file of a store, and its disk. */
export interface DiskHealth {
  /** Size of the file; bytes. */
  readonly fileBytes: number;
  /** Size of the log of writes beside it; bytes. */
  readonly logBytes: number;
  /** What is left of the disk; bytes. */
  readonly freeBytes: number;
}

/** What a backend tells of itself. What it does not tell, or has not, is absent. */
export interface StoreDetails {
  /** Time of one question and its answer on an open connection; of a cluster the longest; milliseconds. */
  readonly roundTripMs?: number | undefined;
  /** The version of the format that the objects are kept in. */
  readonly format?: number | undefined;
  /** Whether the server takes writes or follows another one. */
  readonly role?: 'master' | 'replica' | undefined;
  readonly replicas?: ReplicaHealth | undefined;
  readonly memory?: MemoryHealth | undefined;
  readonly cluster?: ClusterHealth | undefined;
  readonly disk?: DiskHealth | undefined;
}

/** How a backend that replies is. */
export interface BackendHealth {
  readonly details: StoreDetails;
  /** What a write would fail with, where the backend refuses all writes. */
  readonly refusal?: ObjectStoreException | undefined;
  /** What to look at although the store can be used: a sentence each, for people. */
  readonly concerns: readonly string[];
}

/** Options of `health`. */
export interface HealthOptions extends OperationOptions {
  /** Milliseconds after which it rejects with STORE_TIMEOUT. @default 1000 */
  readonly timeoutMs?: number | undefined;
}
