import { Logger, type LoggerService } from '@nestjs/common';
import type { DiffSyncLogger, LogParams, Verbosity } from './logger.js';
import { visibleText } from '../values/visible-text.js';

type NestLevel = 'verbose' | 'debug' | 'log' | 'warn' | 'error';

let processVerbosity: Verbosity = 0;

/**
 * Sets the verbosity of all adapters and stores of the process that have none of their own, for scripts without a module.
 * Source: the reference's `enable_console_logging`.
 * @param options - `verbosity`: 0 warnings and errors, 1 also one line for each sync, 2 also debug and verbose lines. Default: 0.
 * @example
 * ```ts
 * enableConsoleLogging({ verbosity: 1 });
 * await cmdb.syncFrom(network);
 * ```
 */
export function enableConsoleLogging(options: { verbosity?: Verbosity | undefined } = {}): void {
  processVerbosity = options.verbosity ?? 0;
}

/**
 * A logger over Nest's `Logger`, so that the application's own logger and levels apply on top of the verbosity. Parameters are an
 * object beside the message, of which Nest's ConsoleLogger and nestjs-pino make fields of the line.
 */
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

  verbose(message: string, params?: LogParams): void {
    if (this.isEnabled(2)) this.write('verbose', message, params);
  }

  debug(message: string, params?: LogParams): void {
    if (this.isEnabled(2)) this.write('debug', message, params);
  }

  info(message: string, params?: LogParams): void {
    if (this.isEnabled(1)) this.write('log', message, params);
  }

  warning(message: string, params?: LogParams): void {
    this.write('warn', message, params);
  }

  error(message: string, params?: LogParams): void {
    this.write('error', message, params);
  }

  private write(level: NestLevel, message: string, params: LogParams | undefined): void {
    const { logger } = this;
    const text = visibleText(message);
    // ConsoleLogger would print `undefined`.
    if (params === undefined) logger[level](text);
    else if (isPinoService(logger.localInstance)) logger[level](params, text);
    else logger[level](text, params);
  }
}

/**
 * Whether the application's logger is that of nestjs-pino. It takes the fields before the message, as pino does; after it they would be
 * arguments of a format, and be lost.
 */
function isPinoService(service: LoggerService | undefined): boolean {
  if (service === undefined || !('logger' in service)) return false;
  const { logger } = service;
  const methods = ['assign', 'setContext', 'trace'] as const;
  return typeof logger === 'object' && logger !== null && methods.every((name) => isMethod(Reflect.get(logger, name)));
}

function isMethod(value: unknown): boolean {
  return typeof value === 'function';
}
