import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import type { SyncRun } from '../index.js';
import { refusal } from './board-errors.js';

/** Runs of the history of one adapter, the newest first. */
export interface RunsOfTarget {
  readonly of: string;
  readonly runs: readonly SyncRun[];
}

const Places = z.strictObject({ last: z.string().max(64), targets: z.record(z.string(), z.string().max(64)) });

/** Where the next page of the runs of several targets begins: the last run of each that was shown, and when the last of all began. */
export class RunPlaces {
  private constructor(
    private readonly last: string | undefined,
    private readonly targets: ReadonlyMap<string, string>,
  ) {}

  /** @throws HttpException (400) for what no page has given as `next`. */
  static read(text: string | undefined): RunPlaces {
    if (text === undefined) return new RunPlaces(undefined, new Map());
    try {
      const { last, targets } = Places.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
      return new RunPlaces(last, new Map(Object.entries(targets)));
    } catch {
      throw refusal(HttpStatus.BAD_REQUEST, 'BAD_REQUEST', 'after: is no "next" of a page of runs');
    }
  }

  /** The last run of a target that was shown; undefined where none was. */
  of(target: string): string | undefined {
    return this.targets.get(target);
  }

  /** Whether a run is older than the page before. Of a target of which none was shown, runs may have begun meanwhile. */
  isBehind(target: string, { startedAt }: SyncRun): boolean {
    return this.last === undefined || this.targets.has(target) || startedAt <= this.last;
  }

  /**
   * Merges the runs of several targets. Those of one target stay in their order: one that has waited for another has an earlier time.
   * @returns the page, and where the next one begins; undefined on the last one.
   */
  take(
    histories: readonly RunsOfTarget[],
    limit: number,
  ): { readonly page: readonly SyncRun[]; readonly next: RunPlaces | undefined } {
    const queues = histories.map(({ of, runs }) => ({ of, runs: [...runs] }));
    const targets = new Map(this.targets);
    const page: SyncRun[] = [];
    for (;;) {
      const heads = queues.filter(({ runs }) => runs.length > 0);
      const [newest] = heads.toSorted((a, b) => ((a.runs[0]?.startedAt ?? '') < (b.runs[0]?.startedAt ?? '') ? 1 : -1));
      if (newest === undefined) return { page, next: undefined };
      if (page.length === limit) return { page, next: new RunPlaces(page.at(-1)?.startedAt, targets) };
      const run = newest.runs.shift() as SyncRun;
      page.push(run);
      targets.set(newest.of, run.id);
    }
  }

  toString(): string {
    const places = { last: this.last, targets: Object.fromEntries(this.targets) };
    return Buffer.from(JSON.stringify(places)).toString('base64url');
  }
}
