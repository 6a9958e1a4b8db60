import { randomBytes } from 'node:crypto';

/**
 * Hands out idempotency tokens, each of a client id and a sequence number. A client id is used by one write at a time and
 * again once that has settled, so that the state of a model keeps one deduplication record for each concurrent writer, and
 * not one for each write.
 */
export class IdempotencyTokens {
  private readonly process = randomBytes(6).toString('base64url');
  private readonly free: string[] = [];
  private clients = 0;
  private writes = 0;

  /** @returns a client id for one write; the caller releases it when the write has settled. */
  acquire(): string {
    return this.free.pop() ?? `${this.process}.${this.clients++}`;
  }

  /** @returns a number larger than that of every earlier write of any client id. */
  nextSequenceNumber(): string {
    return String(++this.writes);
  }

  release(clientId: string): void {
    this.free.push(clientId);
  }
}
