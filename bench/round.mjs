/**
 * One round of a benchmark in a process of its own, so that no build warms up another: `node round.mjs NAME OPTIONS` sends its
 * parent process the median of each row, and prints them as JSON where it has none. The environment names the build that is
 * measured.
 */
import { benchmarks } from './benchmarks.mjs';

const [name, options] = process.argv.slice(2);
const { measureRound } = await benchmarks.get(name)();
const samples = await measureRound(JSON.parse(options));
if (process.send === undefined) process.stdout.write(`${JSON.stringify(samples.medians())}\n`);
else process.send(samples.medians(), () => process.disconnect());
