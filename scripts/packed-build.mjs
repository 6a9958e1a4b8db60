// Lays out a build of this package in a folder of its own, with this repository's node_modules: for tools that load it.
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** Copies what `npm run build` made here into the new folder `root`. */
export async function copyBuild(root) {
  await mkdir(root);
  for (const part of ['package.json', 'dist']) {
    await cp(join(repository, part), join(root, part), { recursive: true });
  }
  return linkDependencies(root);
}

/** Extracts a file that `npm pack` made into the new folder `root`. */
export async function unpackBuild(file, root) {
  await mkdir(root);
  await promisify(execFile)('tar', ['-xzf', resolve(file), '-C', root, '--strip-components=1']);
  const { name } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  if (name !== 'nestjs-diffsync') throw new Error(`${file} is a build of ${name}, not of nestjs-diffsync`);
  return linkDependencies(root);
}

async function linkDependencies(root) {
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'), 'dir');
  return root;
}
