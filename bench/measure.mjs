import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Table from 'cli-table3';
import { inTurn } from './turns.mjs';

export function machine() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/**
 * Milliseconds that `work` took. Garbage is collected first.
 * @param garbage - 'young': what ran out of use shortly before. 'all' takes the engine's compiled code away as well, so that a
 *   short row measures how soon it is compiled again; it is for work on so many objects that their garbage counts for more.
 */
export function time(work, garbage = 'young') {
  return inTurn(() => timed(work, garbage));
}

async function timed(work, garbage) {
  await nextTurn();
  collectGarbage({ type: garbage === 'all' ? 'major' : 'minor' });
  const started = performance.now();
  const value = await work();
  return { ms: performance.now() - started, value };
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export class Samples {
  #samples = new Map();

  add(name, value) {
    const all = this.#samples.get(name);
    if (all === undefined) this.#samples.set(name, [value]);
    else all.push(value);
  }

  get(name) {
    return this.#samples.get(name);
  }

  median(name) {
    return median(this.#samples.get(name) ?? []);
  }

  lowest(name) {
    return Math.min(...(this.#samples.get(name) ?? []));
  }

  names() {
    return [...this.#samples.keys()];
  }

  /** The median of each row by its name, not rounded. */
  medians() {
    return Object.fromEntries([...this.#samples].map(([name, samples]) => [name, median(samples)]));
  }

  /** The median of what the rounds say, which what slows a whole round down does not change. */
  ratio(name, other) {
    const [ours, theirs] = [this.#samples.get(name) ?? [], this.#samples.get(other) ?? []];
    return median(ours.slice(0, theirs.length).map((value, round) => value / theirs[round]));
  }

  toJSON() {
    return Object.fromEntries(
      [...this.#samples].map(([name, samples]) => [
        name,
        { median: round(median(samples)), samples: samples.map((each) => round(each)) },
      ]),
    );
  }
}

export function round(number, digits = 2) {
  return Number(number.toFixed(digits));
}

export function peakRssMiB() {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

export function print(head, rows) {
  const table = new Table({
    head,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  console.log(table.toString());
}

/** Kept beside the benchmarks, as `results/<name>.json`. */
export async function save(name, results) {
  const folder = new URL('./results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(results, null, 2)}\n`);
}
