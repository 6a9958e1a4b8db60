import { expect, it } from '@jest/globals';
import { BACKOFF, backoffDelay } from '../../src/async/backoff.js';

it('backoffDelay() grows from attempt to attempt up to its bound, with a random share', () => {
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    const full = Math.min(2 ** attempt, 64);
    const delay = backoffDelay(attempt, BACKOFF.contention);
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThanOrEqual(full);
    expect(backoffDelay(attempt, BACKOFF.contention, 0)).toBe(full);
    expect(backoffDelay(attempt, BACKOFF.contention, 0.5)).toBeGreaterThanOrEqual(full / 2);
  }
});
