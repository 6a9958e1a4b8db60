import type { DiffSyncFlags } from '../flags.js';
import { logVerbose, type DiffSyncLogger, type LogParams, type Verbosity } from '../logging/logger.js';
import type { CallbackFailures } from './callback-failures.js';

/** What each line of a diff or sync says of it. */
export interface RunParams {
  /** The name of the source's adapter. */
  readonly source: string;
  /** The name of the target's adapter. */
  readonly target: string;
  readonly flags: DiffSyncFlags;
}

/**
 * The logger of one diff or sync: each line says between which adapters and with which flags it runs, as the reference's lines
 * do. What the caller's logger throws does not end the work.
 */
export class RunLogger implements DiffSyncLogger {
  constructor(
    private readonly logger: DiffSyncLogger,
    private readonly run: RunParams,
    private readonly failures: CallbackFailures,
  ) {}

  isEnabled(level: Verbosity): boolean {
    // Asked for each object: a closure would cost more than the question.
    try {
      return this.logger.isEnabled(level);
    } catch (error) {
      this.failures.note(error);
      return false;
    }
  }

  verbose(message: string, params?: LogParams): void {
    this.failures.call(() => logVerbose(this.logger, message, { ...this.run, ...params }));
  }

  debug(message: string, params?: LogParams): void {
    this.failures.call(() => this.logger.debug(message, { ...this.run, ...params }));
  }

  info(message: string, params?: LogParams): void {
    this.failures.call(() => this.logger.info(message, { ...this.run, ...params }));
  }

  warning(message: string, params?: LogParams): void {
    this.failures.call(() => this.logger.warning(message, { ...this.run, ...params }));
  }

  error(message: string, params?: LogParams): void {
    this.failures.call(() => this.logger.error(message, { ...this.run, ...params }));
  }
}
