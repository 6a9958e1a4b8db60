// The paths of a newcomer, in a new and empty folder: what the README's quick start and docs/getting-started.md say, step by step.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
  const [install, ...runs] = commandsOf(commands);
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

/** Does what docs/getting-started.md says, from an application that Nest's command line makes. */
export async function gettingStarted(installation) {
  const page = await readFile(join(REPOSITORY, 'docs/getting-started.md'), 'utf8');
  const [, commands = ''] = /```sh\n(.*?)```/s.exec(page) ?? [];
  const [create, enter, install] = commandsOf(commands);
  const name = create.split(' ').at(-1);
  const files = [...page.matchAll(/<!-- (\S+) -->\n\n```ts\n(.*?)```/gs)];
  const [, printed] = /prints\n\n```text\n(.*?)```/s.exec(page) ?? [];
  if (enter !== `cd ${name}` || !install?.startsWith('npm install nestjs-diffsync ') || files.length === 0) {
    throw new Error('docs/getting-started.md has other commands than are known here');
  }
  await installation.make();
  // Without them it asks, and so does npx.
  const answers = ['--package-manager', 'npm', '--skip-git'];
  await installation.runWith({ env: { npm_config_yes: 'true' } }, ...create.split(' '), ...answers);
  installation.folder = join(installation.folder, name);
  await installation.install(...install.split(' ').slice(3));
  for (const [, path, code] of files) await installation.write(join('src', basename(path)), code);
  expectPrinted(await installation.run('npm', 'start', '--silent'), printed);
  return 'the page, in an application made by nest new';
}

function commandsOf(block) {
  return block
    .split('\n')
    .map((line) => line.replace(/\s+#.*/, ''))
    .filter(Boolean);
}
