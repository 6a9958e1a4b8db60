// Builds an example and runs it in this terminal: `npm run example -- NAME [ARGUMENTS]`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = (name) => join(root, 'examples', name, 'src/main.ts');
const names = readdirSync(join(root, 'examples')).filter((name) => existsSync(main(name)));
const [name, ...args] = process.argv.slice(2);

if (names.includes(name)) {
  run('npm', ['run', '--silent', 'build']);
  rmSync(join(root, 'examples', name, 'dist'), { recursive: true, force: true });
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'examples', name)]);
  run(process.execPath, [join(root, 'examples', name, 'dist/main.js'), ...args]);
} else {
  process.stderr.write(`npm run example -- NAME, where NAME is one of ${names.join(', ')}\n`);
  process.exitCode = 1;
}

function run(program, parameters) {
  if (process.exitCode) return;
  const { status, error } = spawnSync(program, parameters, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
