import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Adapter, Attrs, Diff, RunProgressCallback, SyncRun, SyncRunner } from '../index.js';
import { AppContext } from './app-context.js';
import { failed } from './failed.js';
import { ProgressLine } from './progress-line.js';
import { jsonReporter } from './report-json.js';
import { markdownReporter } from './report-markdown.js';
import { textReporter } from './report-text.js';
import { differencesOf, type Reporter, type RunReport, type ShownChange } from './report.js';
import type { RunsCommand } from './runs.arguments.js';
import type { Io } from './io.js';

const REPORTERS = { text: textReporter, json: jsonReporter, markdown: markdownReporter };

/**
 * Runs a command over the runs of an application, which it starts and closes. SIGINT and SIGTERM end the run at the next object; a
 * second one ends the process.
 * @returns the exit code: 0 done or nothing to do, 2 differences, 3 refused by a guard, 1 failed.
 */
export async function runs(command: RunsCommand, io: Io): Promise<number> {
  // What an application waits for need not keep a process alive, as a signal or a timer that is unref'd.
  const alive = setInterval(() => undefined, 60_000);
  try {
    const app = await AppContext.start(command.app, io);
    const stopped = new AbortController();
    const stop = (signal: NodeJS.Signals): void => stopped.abort(new Error(`The process got ${signal}`));
    process.once('SIGINT', stop).once('SIGTERM', stop);
    let code: number;
    try {
      code = await new RunsSession(command, io, app, stopped.signal).perform();
    } catch (error) {
      code = failed(io, error);
    }
    // What was done is reported, whether or not the application closes.
    await app.close();
    process.off('SIGINT', stop).off('SIGTERM', stop);
    return code;
  } catch (error) {
    return failed(io, error);
  } finally {
    clearInterval(alive);
  }
}

/** One command, with the application that it has started. */
class RunsSession {
  private readonly progress: ProgressLine;
  private readonly reporter: Reporter;
  private readonly runner: SyncRunner;

  constructor(
    private readonly command: RunsCommand,
    private readonly io: Io,
    private readonly app: AppContext,
    private readonly signal: AbortSignal,
  ) {
    this.progress = new ProgressLine(io.stderr);
    this.reporter = REPORTERS[command.format];
    this.runner = app.runner();
  }

  async perform(): Promise<number> {
    const { name, source, target: targetName } = this.command;
    const target = await this.app.adapter('--target', targetName);
    if (name === 'runs') return this.show(target);
    if (source === undefined) return this.undo(target);
    const sides = { source: await this.app.adapter('--source', source), target };
    switch (name) {
      case 'plan':
        return this.plan(sides);
      case 'apply':
        return this.apply(sides);
      default:
        return this.drift(sides);
    }
  }

  private plan(sides: Sides): Promise<number> {
    const { load, guards, label, by } = this.command;
    return this.report(sides.target, true, () =>
      this.runner.run({ ...sides, ...this.common(), load, guards, label, by, dryRun: true }),
    );
  }

  private apply(sides: Sides): Promise<number> {
    const { load, guards, label, by, onStale, run = '' } = this.command;
    return this.report(sides.target, false, () =>
      this.runner.apply(run, { ...sides, ...this.common(), load, guards, label, by, onStale }),
    );
  }

  private undo(target: Adapter): Promise<number> {
    const { label, by, dryRun, run = '' } = this.command;
    return this.report(target, dryRun, () => this.runner.undo(run, { target, ...this.common(), label, by, dryRun }));
  }

  /** A dry run without a record: its changes are those of its diff. */
  private async drift(sides: Sides): Promise<number> {
    const { load, guards } = this.command;
    let found: Diff | undefined;
    const keep = (diff: Diff): void => void (found = diff);
    class KeptDiff extends this.app.diffsync.Diff {
      override complete(): void {
        keep(this);
      }
    }
    const run = { ...sides, ...this.common(), load, guards, dryRun: true, history: false, diffClass: KeptDiff };
    return this.outcome(
      true,
      () => this.runner.run(run),
      (ended) => {
        const { id: _, ...rest } = ended;
        return { run: rest, changes: found && changesOf(found, sides) };
      },
    );
  }

  private async show(target: Adapter): Promise<number> {
    const { run, of, limit } = this.command;
    const { reporter, signal } = this;
    const history = this.runner.history(target);
    if (run !== undefined) {
      const report = { run: await history.get(run), changes: history.changes(run, { signal }) };
      await this.write(reporter.run(report));
    } else if (of !== undefined) {
      await this.write(reporter.object(of.model, of.uid, await history.ofObject(of.model, of.uid, { signal })));
    } else {
      await this.write(reporter.runs(await history.list({ limit, signal })));
    }
    return 0;
  }

  private common(): { signal: AbortSignal; onProgress: RunProgressCallback } {
    return { signal: this.signal, onProgress: (...progress) => this.progress.show(...progress) };
  }

  /** Does a run, and reports it with the changes that are recorded. */
  private report(target: Adapter, compares: boolean, work: () => Promise<SyncRun>): Promise<number> {
    const history = this.runner.history(target);
    return this.outcome(compares, work, (run, failure) => {
      const isRead = failure === undefined || failure instanceof this.app.diffsync.SyncRefused;
      return { run, changes: isRead ? history.changes(run.id) : undefined };
    });
  }

  /**
   * Does a run, and reports it, whatever has ended it.
   * @param compares - whether differences are its result.
   * @returns the exit code.
   */
  private async outcome(
    compares: boolean,
    work: () => Promise<SyncRun>,
    reportOf: (run: SyncRun, failure?: unknown) => RunReport,
  ): Promise<number> {
    let run: SyncRun;
    try {
      run = await work().finally(() => this.progress.clear());
    } catch (error) {
      const ended = error instanceof Error ? (error as { readonly run?: SyncRun }).run : undefined;
      if (ended !== undefined) await this.write(this.reporter.run(reportOf(ended, error)));
      const code = failed(this.io, error);
      return error instanceof this.app.diffsync.SyncRefused ? 3 : code;
    }
    await this.write(this.reporter.run(reportOf(run)));
    if (compares) return differencesOf(run) > 0 ? 2 : 0;
    const { failed: count = 0 } = run.results ?? {};
    return count === 0 ? 0 : failed(this.io, new Error(`${count} changes of the run ${run.id} have failed`));
  }

  private async write(pieces: AsyncIterable<string> | Iterable<string>): Promise<void> {
    for await (const piece of pieces) await writeTo(this.io.stdout, piece);
  }
}

interface Sides {
  readonly source: Adapter;
  readonly target: Adapter;
}

/** Yields the changes of a diff as a history has them: without the values of what either side's class declares as secret. */
async function* changesOf(diff: Diff, { source, target }: Sides): AsyncGenerator<ShownChange, void, undefined> {
  for await (const change of diff.changesAsync()) {
    const classes = [source, target].map(({ modelClasses }) => modelClasses.get(change.model));
    const secrets = new Set(classes.flatMap((model) => [...(model?.definition.secret ?? [])]));
    const without = <T extends Attrs | null>(attrs: T): T =>
      attrs && (Object.fromEntries(Object.entries(attrs).filter(([name]) => !secrets.has(name))) as T);
    const names = Object.keys(change.new ?? change.old ?? {}).filter((name) => secrets.has(name));
    yield { ...change, old: without(change.old), new: without(change.new), secrets: names };
  }
}

async function writeTo(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
