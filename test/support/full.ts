/** Whether the tests are those of `npm run test:full`: `npm test` leaves out what is the same code over another transport or server. */
export const isFull = process.env['TEST_FULL'] === '1';

/** @returns how many objects, processes or rounds a test has: the first in `npm run test:full`, the second in `npm test`. */
export function sized(full: number, few: number): number {
  return isFull ? full : few;
}
