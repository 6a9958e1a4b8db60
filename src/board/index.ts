/// <reference types="node" preserve="true" />
export { DiffSyncBoardModule } from './board.module.js';
export type { BoardGuard, BoardRun, BoardRunOptions, DiffSyncBoardOptions } from './board.options.js';
export type * from './board-api.js';
