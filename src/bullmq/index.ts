/// <reference types="node" preserve="true" />
export { DiffSyncQueueModule, type DiffSyncQueueAsyncOptions, type DiffSyncQueueExtras } from './queue.module.js';
export type { DiffSyncQueueOptions, QueueWorkerOptions, RunFunctions } from './queue.options.js';
export type { QueuedRun, QueuedTerms, QueueProgress, QueueRunOptions, RunData } from './queued-run.js';
export type { AddedRun } from './put-run.js';
export { SyncQueue, type QueueSchedule } from './sync-queue.js';
