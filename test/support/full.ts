/** Whether the tests are those of `npm run test:full`: `npm test` leaves out what is the same code over another transport or server. */
export const isFull = process.env['TEST_FULL'] === '1';
