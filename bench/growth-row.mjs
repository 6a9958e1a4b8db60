/**
 * One row of the benchmark of growth, in a process of its own: what other rows left to the garbage collector slows none down.
 * `node growth-row.mjs OPTIONS` prints its figures as JSON.
 */
import { entryPoint } from './build.mjs';
import { measure, nameOf, ROWS } from './growth-rows.mjs';

/** The sizes are measured so often, after a warm-up; the lowest counts, which other work on the machine disturbs least. */
const ROUNDS = { small: 3, large: 2 };

const { name, small, large, url } = JSON.parse(process.argv[2]);
const row = ROWS.find((each) => nameOf(each) === name);
const { RedisStore } = url === undefined ? {} : await entryPoint('./redis');
const storeOf = async (storeId) => RedisStore?.connect({ url, storeId });

await measure(row, small, storeOf);
const few = await lowest(ROUNDS.small, small);
const many = await lowest(ROUNDS.large, large);
process.stdout.write(`${JSON.stringify({ few, many })}\n`);

async function lowest(rounds, size) {
  const found = [];
  for (let round = 0; round < rounds; round++) found.push(await measure(row, size, storeOf));
  const least = (figure) => Math.min(...found.map((each) => each[figure]));
  return Object.fromEntries(Object.keys(found[0]).map((figure) => [figure, least(figure)]));
}
