import { randomBytes } from 'node:crypto';

/** What marks one write, for the state of its model to remember it by. */
export interface RedisLane {
  readonly name: string;
  /** Larger than that of every earlier write of the lane. */
  readonly number: string;
}

/**
 * Lends each write a lane, which does one write at a time: so the state of a model holds as many lanes of a process as it
 * ever wrote at once, and not one entry a write.
 */
export class RedisLanes {
  private readonly process = randomBytes(6).toString('base64url');
  private readonly free: string[] = [];
  private lanes = 0;
  private writes = 0;

  async lend<T>(write: (lane: RedisLane) => Promise<T>): Promise<T> {
    const name = this.free.pop() ?? `${this.process}.${this.lanes++}`;
    try {
      return await write({ name, number: String(++this.writes) });
    } finally {
      this.free.push(name);
    }
  }
}
