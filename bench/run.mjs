/** `npm run bench -- NAME [options]`, and `npm run bench -- NAME --baseline FILE.tgz [--rounds=n] [--size=n]`. */
import { compareBuilds, isComparison } from './baseline.mjs';
import { benchmarks } from './benchmarks.mjs';

const [name = '', ...args] = process.argv.slice(2);
const benchmark = await benchmarks.get(name)?.();
if (benchmark === undefined) {
  console.error(`Which benchmark? One of: ${[...benchmarks.keys()].join(', ')}`);
  process.exitCode = 1;
} else if (isComparison(args) && benchmark.measureRound !== undefined) {
  await compareBuilds(name, benchmark, args);
} else {
  await benchmark.run(args);
}
