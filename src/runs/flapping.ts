import { yieldIfDue } from '../async/event-loop.js';
import { hashOf } from './change-lines.js';
import type { FlappingAttribute } from './sync-run.js';

/** After so many runs in a row that have set an attribute, and it differs again. */
const RUNS = 3;
/** The most attributes that a run names. */
const NAMED = 100;
const LINES_PER_TEXT = 4096;

/** An attribute that differs in a run. */
export interface DifferingAttribute {
  readonly model: string;
  readonly uid: string;
  readonly attribute: string;
  readonly old: unknown;
  readonly new: unknown;
  /** Whether its values are not shown. */
  readonly secret: boolean;
}

/** Counts for each attribute how many runs in a row have set it, by what the run before has left. */
export class Streaks {
  private readonly counts = new Map<string, number>();
  private readonly next: string[] = [];
  readonly flapping: FlappingAttribute[] = [];

  /** @param texts - What the run before has left. */
  static async read(texts: AsyncIterable<string>): Promise<Streaks> {
    const streaks = new Streaks();
    for await (const text of texts) {
      const due = yieldIfDue();
      if (due !== undefined) await due;
      for (const line of text.split('\n')) {
        const [hash = '', count] = line.split(' ');
        if (hash !== '') streaks.counts.set(hash, Number(count));
      }
    }
    return streaks;
  }

  /** Notes an attribute that this run sets. */
  add({ model, uid, attribute, old, new: changed, secret }: DifferingAttribute): void {
    const hash = hashOf(model, uid, attribute);
    const runs = this.counts.get(hash) ?? 0;
    this.next.push(`${hash} ${runs + 1}\n`);
    if (runs < RUNS || this.flapping.length === NAMED) return;
    const hint =
      `Each of the last ${runs} runs has set ${attribute}, and it differs again: if both values mean the same, say so by compare: ` +
      `{ ${attribute}: (a, b) => … } in the model; else something else sets it in the target`;
    const values = secret ? {} : { old, new: changed };
    this.flapping.push({ model, uid, attribute, runs, ...values, hint });
  }

  /** Returns what the next run has to know. */
  texts(): string[] {
    const texts: string[] = [];
    for (let at = 0; at < this.next.length; at += LINES_PER_TEXT) {
      texts.push(this.next.slice(at, at + LINES_PER_TEXT).join(''));
    }
    return texts;
  }
}
