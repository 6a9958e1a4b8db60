import { randomBytes } from 'node:crypto';

/** What marks one write, for the state of its model to remember it by. */
export interface IdempotencyToken {
  readonly clientId: string;
  /** Larger than that of every earlier write of the lane. */
  readonly sequenceNumber: string;
}

/**
 * Lends each write a lane, which does one write at a time: so the state of a model holds as many lanes of a process as it
 * ever wrote at once, and not one entry a write.
 */
export class IdempotencyTokens {
  private readonly process = randomBytes(6).toString('base64url');
  private readonly free: string[] = [];
  private clients = 0;
  private writes = 0;

  async use<T>(write: (token: IdempotencyToken) => Promise<T>): Promise<T> {
    const clientId = this.free.pop() ?? `${this.process}.${this.clients++}`;
    try {
      return await write({ clientId, sequenceNumber: String(++this.writes) });
    } finally {
      this.free.push(clientId);
    }
  }
}
