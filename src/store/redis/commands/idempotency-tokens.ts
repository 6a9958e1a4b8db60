import { randomBytes } from 'node:crypto';

/** What identifies one write, however often it is sent. */
export interface IdempotencyToken {
  readonly clientId: string;
  /** Larger than that of every earlier write of this process. */
  readonly sequenceNumber: string;
}

/**
 * Hands out idempotency tokens. A client id is used by one write at a time and
 * again once that has settled, so that the state of a model keeps one deduplication record for each concurrent writer, and
 * not one for each write.
 */
export class IdempotencyTokens {
  private readonly process = randomBytes(6).toString('base64url');
  private readonly free: string[] = [];
  private clients = 0;
  private writes = 0;

  /** @returns the token of one write; the caller releases it when the write has settled. */
  acquire(): IdempotencyToken {
    const clientId = this.free.pop() ?? `${this.process}.${this.clients++}`;
    return { clientId, sequenceNumber: String(++this.writes) };
  }

  release({ clientId }: IdempotencyToken): void {
    this.free.push(clientId);
  }
}
