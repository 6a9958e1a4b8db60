// Other versions of Node, from the npm package `node`, which has the binaries.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.mjs';

/** Resolves to the folder with the newest `node` of a major version, which npm has installed below `work`. */
export async function installNode(work, major) {
  const folder = join(work, `binary-of-node-${major}`);
  await mkdir(folder);
  // The package gets the binary for this machine in its install script.
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
  await run('npm', ['install', `node@${major}`], { cwd: folder });
  return join(folder, 'node_modules/node/bin');
}
