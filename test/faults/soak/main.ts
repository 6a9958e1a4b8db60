/** `npm run soak -- --minutes 3 --seed 7`: prints the table, and exits with 1 when something was lost, hung or left. */
import { parseArgs } from 'node:util';
import { soak, tableOf } from './soak.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' }, seed: { type: 'string' } } });
const [minutes, seed] = [Number(values.minutes), Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))];
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write('npm run soak -- [--minutes <minutes>] [--seed <whole number>]\n');
  process.exit(1);
}
const report = await soak({ seconds: 60 * minutes, seed, timeout: 2000, pause: 2500 });
const faults = [...report.lost, ...report.falseConflicts];
for (const fault of faults.slice(0, 20)) process.stdout.write(`${fault}\n`);
process.stdout.write(`${tableOf(report)}\n`);
const bad = faults.length + report.hung + report.unhandled + report.leakedConnections + report.keysLeft;
process.exitCode = bad === 0 ? 0 : 1;
