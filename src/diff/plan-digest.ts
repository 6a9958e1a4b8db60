import { createHash } from 'node:crypto';
import { canonicalJson } from '../values/extended-json.js';

/** Digests a plan: its header, and then its elements. */
export class PlanDigest {
  private readonly hash = createHash('sha256');

  /** @throws RangeError for a part that is nested deeper than the call stack. */
  add(part: unknown): void {
    this.hash.update(`${canonicalJson(part)}\n`);
  }

  finish(): string {
    return this.hash.digest('hex');
  }
}
