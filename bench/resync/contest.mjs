import { fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { BUILD_VARIABLE } from '../build.mjs';
import { giveTurns } from '../turns.mjs';
import { usedMemory } from './meter.mjs';

const STEP_TIMEOUT_MS = 15 * 60_000;
const stepScript = fileURLToPath(new URL('./step.mjs', import.meta.url));

/**
 * Both builds, which do the same steps in turn, each with a server and a folder of its own.
 * `builds`: by name `{ root, url, link, folder, changeLog }`; `link`: the URL by which the application reaches the server.
 */
export class Contest {
  #builds;
  #names;

  constructor(builds) {
    this.#builds = builds;
    this.#names = Object.keys(builds);
  }

  /** Does a step in a new process of each build. @returns by name what it has measured. */
  async step(job) {
    const names = this.#names;
    const measured = await giveTurns(names.map((name) => this.#start(name, job)));
    // Who comes first may find the machine otherwise than who comes second.
    this.#names = names.toReversed();
    return Object.fromEntries(names.map((name, at) => [name, measured[at]]));
  }

  /** Bytes of memory that each server uses. */
  memory() {
    return this.#ofServers(usedMemory);
  }

  /** Leaves empty servers and no file. */
  async clear() {
    await this.#ofServers((admin) => admin.flushall());
    for (const { folder } of Object.values(this.#builds)) {
      for (const end of ['', '-wal', '-shm']) await rm(`${fileIn(folder)}${end}`, { force: true });
    }
  }

  #start(name, job) {
    const { root, url, link, folder, changeLog } = this.#builds[name];
    const own = { ...job, server: url, url: link, path: fileIn(folder), changeLog };
    return fork(stepScript, [JSON.stringify(own)], {
      env: { ...process.env, [BUILD_VARIABLE]: root },
      timeout: STEP_TIMEOUT_MS,
    });
  }

  async #ofServers(ask) {
    const answers = {};
    for (const [name, { url }] of Object.entries(this.#builds)) {
      const admin = new Redis(url);
      answers[name] = await ask(admin);
      await admin.quit();
    }
    return answers;
  }
}

function fileIn(folder) {
  return join(folder, 'target.db');
}
