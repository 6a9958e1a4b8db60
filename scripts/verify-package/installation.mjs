// A new folder with what a user has: packages that npm installed from the tarball and the registry, and an application's files.
import { cp, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.mjs';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const APPLICATIONS = join(REPOSITORY, 'test/installs');

export class Installation {
  /** @param node - the folder of the `node` that everything runs with; undefined: the one that runs this. */
  constructor(folder, tarball, node) {
    this.root = folder;
    /** Where everything is done: `root`, until a command has made the application's folder in it. */
    this.folder = folder;
    this.tarball = tarball;
    this.node = node;
  }

  /**
   * Makes the folder. Packages whose install script a user has to allow, are allowed.
   * @param manifest - what is in package.json; undefined: there is none.
   */
  async make(manifest) {
    await mkdir(this.folder);
    if (manifest === undefined) return;
    const allowScripts = { 'better-sqlite3': true };
    await this.write('package.json', JSON.stringify({ private: true, allowScripts, ...manifest }, undefined, 2));
  }

  /** Installs the tarball and `packages` with npm, as one command. */
  async install(...packages) {
    await this.run('npm', 'install', this.tarball, ...packages);
    const home = join(this.folder, 'node_modules/nestjs-diffsync');
    if (!existsSync(join(home, 'package.json'))) throw new Error(`npm has installed nothing in ${this.folder}`);
    // A link would lead to this repository, and to its packages.
    if ((await realpath(home)) !== join(await realpath(this.folder), 'node_modules/nestjs-diffsync')) {
      throw new Error(`${home} is a link`);
    }
  }

  /** Copies files of test/installs, or of the path that is given in the repository, to `folder` here. */
  async copy(names, folder = '.') {
    await mkdir(join(this.folder, folder), { recursive: true });
    for (const name of names) {
      const from = name.includes('/') ? join(REPOSITORY, name) : join(APPLICATIONS, name);
      await cp(from, join(this.folder, folder, basename(name)));
    }
  }

  async write(name, content) {
    const file = join(this.folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  read(name) {
    return readFile(join(this.folder, name), 'utf8');
  }

  /** Runs a command in the folder; what the packages bring is found by its name. */
  run(command, ...args) {
    return this.runWith({}, command, ...args);
  }

  /** @param options - as `run` of command.mjs takes them. */
  runWith(options, command, ...args) {
    const bin = [join(this.folder, 'node_modules/.bin'), this.node].filter(Boolean).join(':');
    return run(command, args, { cwd: this.folder, bin, ...options });
  }

  /** Removes what was installed, and leaves the application's files. */
  async removePackages() {
    await rm(join(this.folder, 'node_modules'), { recursive: true });
  }

  async remove() {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Fails where a command has printed something else. */
export function expectPrinted(printed, expected) {
  if (printed.trim() !== expected.trim())
    throw new Error(`It printed\n${printed}\nand should have printed\n${expected}`);
}
