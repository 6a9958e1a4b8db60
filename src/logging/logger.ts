/** 0 warnings and errors, 1 also information, 2 also debug (the reference's `enable_console_logging`). */
export type Verbosity = 0 | 1 | 2;

/** What a log line is about, beside its message. */
export interface LogParams {
  readonly action?: string | null;
  readonly model?: string;
  readonly uniqueId?: string;
  readonly status?: string;
  readonly diffs?: unknown;
  readonly [name: string]: unknown;
}

/** What the stores and the engine write to. Levels are the reference's. */
export interface DiffSyncLogger {
  /** 0 for warning and error, 1 for info, 2 for debug: the least verbosity at which a line is written. Guards costly params. */
  isEnabled(level: Verbosity): boolean;
  debug(message: string, params?: LogParams): void;
  info(message: string, params?: LogParams): void;
  warning(message: string, params?: LogParams): void;
  error(message: string, params?: LogParams): void;
}

/** For a store that nobody gave a logger: its warnings have nowhere to go, its errors are thrown, never only logged. */
export const SILENT_LOGGER: DiffSyncLogger = {
  isEnabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  error: () => undefined,
};
