/**
 * `npm run soak:syncs -- --minutes 3 --seed 7`: prints what came of it, and exits with 1 unless one more sync converges and the
 * store is whole.
 */
import { parseArgs } from 'node:util';
import { soakSyncs } from './syncs.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' }, seed: { type: 'string' } } });
const [minutes, seed] = [Number(values.minutes), Number(values.seed ?? Math.floor(Math.random() * 2 ** 20))];
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write('npm run soak:syncs -- [--minutes <minutes>] [--seed <whole number>]\n');
  process.exit(1);
}
const report = await soakSyncs({ seconds: 60 * minutes, seed });
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
process.exitCode = report.left + report.problems.length === 0 ? 0 : 1;
