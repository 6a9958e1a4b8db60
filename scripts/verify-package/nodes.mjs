// Other versions of Node, from the npm package `node`, which has the binaries.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.mjs';

/** Resolves to the folder with the `node` of a version (`22`: its newest), which npm has installed below `work`. */
export async function installNode(work, version) {
  const folder = await mkdtemp(join(work, 'binary-of-node-'));
  // The package gets the binary for this machine in its install script.
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
  await run('npm', ['install', `node@${version}`], { cwd: folder });
  return join(folder, 'node_modules/node/bin');
}
