import { Logger } from '@nestjs/common';
import type { DiffSyncLogger, LogParams, Verbosity } from './logger.js';
import { visibleText } from '../values/visible-text.js';

let processVerbosity: Verbosity = 0;

/**
 * Sets the verbosity of all adapters and stores of the process that have none of their own, for scripts without a module.
 * Source: the reference's `enable_console_logging`.
 * @param options - `verbosity`: 0 warnings and errors, 1 also information, 2 also debug lines. Default: 0.
 * @example
 * ```ts
 * enableConsoleLogging({ verbosity: 1 });
 * await cmdb.syncFrom(network);
 * ```
 */
export function enableConsoleLogging(options: { verbosity?: Verbosity | undefined } = {}): void {
  processVerbosity = options.verbosity ?? 0;
}

/** A logger over Nest's `Logger`, so that the application's own logger and levels apply on top of the verbosity. */
export class NestLogger implements DiffSyncLogger {
  private readonly logger: Logger;

  /** @param verbosity - default: what `enableConsoleLogging` set last, else 0. */
  constructor(
    context: string,
    private readonly verbosity?: Verbosity,
  ) {
    this.logger = new Logger(context);
  }

  isEnabled(level: Verbosity): boolean {
    return level <= (this.verbosity ?? processVerbosity);
  }

  debug(message: string, params?: LogParams): void {
    if (this.isEnabled(2)) this.logger.debug(visibleText(message), ...argumentsOf(params));
  }

  info(message: string, params?: LogParams): void {
    if (this.isEnabled(1)) this.logger.log(visibleText(message), ...argumentsOf(params));
  }

  warning(message: string, params?: LogParams): void {
    this.logger.warn(visibleText(message), ...argumentsOf(params));
  }

  error(message: string, params?: LogParams): void {
    this.logger.error(visibleText(message), ...argumentsOf(params));
  }
}

/** @returns no argument for absent parameters, because ConsoleLogger would print `undefined`. */
function argumentsOf(params: LogParams | undefined): [LogParams] | [] {
  return params === undefined ? [] : [params];
}
