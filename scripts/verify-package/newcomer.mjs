// The path of a newcomer, in a new and empty folder: the commands of the README's quick start, one after another, and its example.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectPrinted, REPOSITORY } from './installation.mjs';

const LIMIT_MS = 120_000;

/** Resolves to what the README's quick start tells a newcomer to do. */
export async function quickStart() {
  const readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8');
  const section = readme.split(/^## /m).find((each) => each.startsWith('Quick start\n')) ?? '';
  const part = (pattern, what) => {
    const found = pattern.exec(section)?.slice(1);
    if (found === undefined) throw new Error(`The quick start of README.md has no ${what}`);
    return found;
  };
  const [file] = part(/[Ss]ave (?:this|it) as `([^`]+)`/, 'name for the file of its example');
  const [code] = part(/```ts\n(.*?)```/s, 'example');
  const [printed] = part(/prints\n\n```text\n(.*?)```/s, 'text that its example prints');
  const [commands] = part(/```sh\n(.*?)```/s, 'commands');
  const lines = commands
    .split('\n')
    .map((line) => line.replace(/\s+#.*/, ''))
    .filter(Boolean);
  const [install, ...runs] = lines;
  if (!install?.startsWith('npm install nestjs-diffsync '))
    throw new Error(`It begins with another command: ${install}`);
  return { file, code, printed, packages: install.split(' ').slice(3), runs };
}

/** Does what the README says, by the tarball, and nothing else; resolves to how long that took. */
export async function newcomer(installation) {
  const { file, code, printed, packages, runs } = await quickStart();
  const began = performance.now();
  await installation.make();
  await installation.install(...packages);
  await installation.write(file, code);
  // Where npx had to install something, the README would lack a step.
  const env = { npm_config_yes: 'false', npm_config_offline: 'true' };
  for (const line of runs) expectPrinted(await installation.runWith({ env }, ...line.split(' ')), printed);
  const took = performance.now() - began;
  if (took > LIMIT_MS)
    throw new Error(`It took ${Math.round(took / 1000)} s; a newcomer is promised ${LIMIT_MS / 1000} s`);
  return `quick start in ${Math.round(took / 1000)} s`;
}
