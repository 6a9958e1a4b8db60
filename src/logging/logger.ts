/**
 * What is logged: 0 warnings and errors; 1 also one line for each sync, and two for each run; 2 also debug lines, of models and of
 * operations of stores, and verbose ones, of objects. The numbers are the reference's.
 */
export type Verbosity = 0 | 1 | 2;

/** The parameters of a log line, beside its message. */
export interface LogParams {
  /** The action of a sync: `create`, `update`, `delete`; null for an unchanged object. */
  readonly action?: string | null;
  /** The name of the model. */
  readonly model?: string;
  /** The unique id of the object. */
  readonly uniqueId?: string;
  /** The status of the object after the action. */
  readonly status?: string;
  /** The attributes that differ. */
  readonly diffs?: unknown;
  /** A parameter of one kind of line, such as `duration`. */
  readonly [name: string]: unknown;
}

/** The logger that stores and engine write to. The levels are the reference's, and `verbose` below them. */
export interface DiffSyncLogger {
  /**
   * Tells whether lines of a level are written, so that the caller computes costly parameters only then.
   * @param level - 0 for warning and error, 1 for info, 2 for debug and verbose.
   */
  isEnabled(level: Verbosity): boolean;
  /** Logs a line about one object at verbosity 2. A logger without it gets these lines as debug lines. */
  verbose?(message: string, params?: LogParams): void;
  /** Logs a line at verbosity 2. */
  debug(message: string, params?: LogParams): void;
  /** Logs a line at verbosity 1 and 2. */
  info(message: string, params?: LogParams): void;
  /** Logs a warning. */
  warning(message: string, params?: LogParams): void;
  /** Logs an error. */
  error(message: string, params?: LogParams): void;
}

type Level = 'verbose' | 'debug' | 'info' | 'warning' | 'error';

/** The logger of a store that was created without one. It drops warnings; errors are thrown, and never only logged. */
export const SILENT_LOGGER: DiffSyncLogger = {
  isEnabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  error: () => undefined,
};

/** Logs a line about one object. */
export function logVerbose(logger: DiffSyncLogger, message: string, params: LogParams | undefined): unknown {
  return logger.verbose === undefined ? logger.debug(message, params) : logger.verbose(message, params);
}

/**
 * The logger of a store: what the caller's logger throws ends no operation, which may have written already, and no timer. The
 * first time it is a warning of the process.
 */
export class StoreLogger implements DiffSyncLogger {
  private hasFailed = false;

  constructor(private readonly logger: DiffSyncLogger) {}

  isEnabled(level: Verbosity): boolean {
    try {
      return this.logger.isEnabled(level);
    } catch (error) {
      this.warn(error);
      return false;
    }
  }

  verbose(message: string, params?: LogParams): void {
    this.log('verbose', message, params);
  }

  debug(message: string, params?: LogParams): void {
    this.log('debug', message, params);
  }

  info(message: string, params?: LogParams): void {
    this.log('info', message, params);
  }

  warning(message: string, params?: LogParams): void {
    this.log('warning', message, params);
  }

  error(message: string, params?: LogParams): void {
    this.log('error', message, params);
  }

  private log(level: Level, message: string, params: LogParams | undefined): void {
    const { logger } = this;
    try {
      const result: unknown =
        level === 'verbose' ? logVerbose(logger, message, params) : logger[level](message, params);
      // An asynchronous method is none to the compiler, and must not end the process.
      if (typeof result === 'object' && result !== null && 'then' in result) {
        Promise.resolve(result).catch((error: unknown) => this.warn(error));
      }
    } catch (error) {
      this.warn(error);
    }
  }

  private warn(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    process.emitWarning(`The logger of a store fails, and lines are lost: ${String(error)}`);
  }
}
