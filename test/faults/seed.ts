/** Of everything random in the fault tests. It stands in the names of the tests, so a failure tells it: SEED=… repeats it. */
export const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
