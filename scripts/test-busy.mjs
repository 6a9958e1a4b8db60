// Runs the tests beside two processes that keep two cores busy: no test's result may depend on how fast the machine is.
// Usage: npm run test:busy [-- what jest takes]
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const busy = Array.from({ length: 2 }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
const stop = () => busy.forEach((each) => each.kill('SIGKILL'));
process.on('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const [code] = await once(
  spawn('npm', ['run', '--silent', 'test:run', '--', ...process.argv.slice(2)], { stdio: 'inherit' }),
  'exit',
);
process.exit(code ?? 1);
