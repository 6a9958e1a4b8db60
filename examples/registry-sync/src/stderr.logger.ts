import { isatty } from 'node:tty';
import { ConsoleLogger, type LogLevel } from '@nestjs/common';

/** Nest's logger, all of it on standard error: standard output is for results. */
export class StderrLogger extends ConsoleLogger {
  constructor(logLevels: LogLevel[]) {
    super({ logLevels, colors: isatty(2) && !process.env['NO_COLOR'] });
  }

  /** An error that ends the start of the application is reported once, by `main`. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) !== 'ExceptionHandler') super.error(message, ...rest);
  }

  protected override printMessages(...args: Parameters<ConsoleLogger['printMessages']>): void {
    const [messages, context, logLevel, , errorStack, params] = args;
    super.printMessages(messages, context, logLevel, 'stderr', errorStack, params);
  }
}
