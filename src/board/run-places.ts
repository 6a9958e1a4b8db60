import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import type { SyncRun } from '../index.js';
import { refusal } from './board-errors.js';

const Places = z.strictObject({ last: z.string().max(64), targets: z.record(z.string(), z.string().max(64)) });

/** A run, and the name of the adapter whose history it is in. */
export interface PlacedRun {
  readonly run: SyncRun;
  readonly of: string;
}

/** Where the next page of the runs of several targets begins: the last run of each, and the last one of all. */
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

  /** Whether a run comes behind the page before. Ids sort by time: one that has begun meanwhile belongs to no later page. */
  isBehind(run: string): boolean {
    return this.last === undefined || run < this.last;
  }

  behind(page: readonly PlacedRun[]): RunPlaces {
    const targets = new Map(this.targets);
    for (const { run, of } of page) targets.set(of, run.id);
    return new RunPlaces(page.at(-1)?.run.id, targets);
  }

  toString(): string {
    return Buffer.from(JSON.stringify({ last: this.last, targets: Object.fromEntries(this.targets) })).toString(
      'base64url',
    );
  }
}
