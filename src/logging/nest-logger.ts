import { Logger } from '@nestjs/common';
import type { DiffSyncLogger, LogParams, Verbosity } from './logger.js';

let scriptVerbosity: Verbosity = 0;

/**
 * For scripts without a module: sets what adapters and stores write to the console when nothing else was said.
 * Source: the reference's `enable_console_logging`.
 */
export function enableConsoleLogging({ verbosity = 0 }: { verbosity?: Verbosity } = {}): void {
  scriptVerbosity = verbosity;
}

/** Nest's `Logger`, so that the application's own logger and levels apply on top of the verbosity. */
export class NestLogger implements DiffSyncLogger {
  private readonly logger: Logger;

  /** @param verbosity default: what `enableConsoleLogging` set last, else 0. */
  constructor(
    context: string,
    private readonly verbosity?: Verbosity,
  ) {
    this.logger = new Logger(context);
  }

  isEnabled(level: Verbosity): boolean {
    return level <= (this.verbosity ?? scriptVerbosity);
  }

  debug(message: string, params?: LogParams): void {
    if (this.isEnabled(2)) this.logger.debug(message, ...present(params));
  }

  info(message: string, params?: LogParams): void {
    if (this.isEnabled(1)) this.logger.log(message, ...present(params));
  }

  warning(message: string, params?: LogParams): void {
    this.logger.warn(message, ...present(params));
  }

  error(message: string, params?: LogParams): void {
    this.logger.error(message, ...present(params));
  }
}

/** ConsoleLogger prints an `undefined` that is passed along, so absent parameters must not be. */
function present(params: LogParams | undefined): [LogParams] | [] {
  return params === undefined ? [] : [params];
}
