/** `npm run bench -- NAME [options]`, and `npm run bench -- NAME --baseline FILE.tgz [--rounds=n] [--size=n]`. */
import { compareBuilds, isComparison } from './baseline.mjs';
import { benchmarks } from './benchmarks.mjs';

const [name = '', ...args] = process.argv.slice(2);
const load = benchmarks.get(name);
if (load === undefined) {
  console.error(`Which benchmark? One of: ${[...benchmarks.keys()].join(', ')}`);
  process.exitCode = 1;
} else if (isComparison(args)) {
  await compareBuilds(name, await load(), args);
} else {
  const { run } = await load();
  await run(args);
}
