import { Logger } from '@nestjs/common';

/** A message that comes again is not written again for so long: a connection that is down says so at every attempt. */
const AGAIN_MS = 60_000;
const MAX_KNOWN = 100;

/** What the queue writes to Nest's logger: messages alone, because an error of the driver has the command, with its password. */
export class QueueLog {
  private readonly logger = new Logger('DiffSyncQueue');
  private readonly known = new Map<string, number>();

  /** Writes what a worker, queue or connection says, or what failed beside the work. @param where - begins the line. */
  warn(where: string, error: unknown): void {
    const line = `${where}: ${error instanceof Error ? error.message : String(error)}`;
    const now = Date.now();
    if (now - (this.known.get(line) ?? -Infinity) < AGAIN_MS) return;
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    this.known.set(line, now);
    this.logger.warn(line);
  }
}
