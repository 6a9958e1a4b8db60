import { Inject, Injectable } from '@nestjs/common';
import { DiffSyncError, SyncRunner, type Adapter, type RunChange, type SyncRun } from '../index.js';
import type { BoardChange, BoardRunPage, ChangePage, Decision, RunView } from './board-api.js';
import { bodyOf } from './board-errors.js';
import { BOARD_OPTIONS } from './board.tokens.js';
import type { ResolvedBoardOptions } from './board.options.js';
import { Catalog } from './catalog.js';
import { RunPlaces, type RunsOfTarget } from './run-places.js';
import { shownChange, shownRun } from './shown-values.js';
import { StartedRuns } from './started-runs.js';

/** Changes that one request looks at, and characters of JSON that it answers. */
const LOOKED_AT = 5000;
const PAGE_LENGTH = 1_048_576;

export interface RunSearch {
  readonly target?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

export interface ChangeSearch {
  readonly target: string;
  readonly model?: readonly string[] | undefined;
  readonly action?: readonly RunChange['action'][] | undefined;
  readonly result?: readonly RunChange['result'][] | undefined;
  readonly search?: string | undefined;
  readonly limit: number;
  readonly from: number;
}

/** The runs of the application's adapters, and their changes. Each request reads a bounded part of a history. */
@Injectable()
export class RunViews {
  constructor(
    private readonly catalog: Catalog,
    private readonly runner: SyncRunner,
    private readonly started: StartedRuns,
    @Inject(BOARD_OPTIONS) private readonly options: ResolvedBoardOptions,
  ) {}

  /** The runs of one target, or of all: what each of them has behind the page before, the newest first. */
  async list({ target, limit, after }: RunSearch): Promise<BoardRunPage> {
    const targets = target === undefined ? this.catalog.adapters() : [this.catalog.adapter(target)];
    const places = RunPlaces.read(after);
    const unavailable: BoardRunPage['unavailable'][number][] = [];
    const read = async (adapter: Adapter): Promise<RunsOfTarget> => {
      const of = adapter.name;
      try {
        const { runs } = await this.runner.history(adapter).list({ limit: limit + 1, after: places.of(of) });
        return { of, runs: runs.filter((run) => places.isBehind(of, run)) };
      } catch (error) {
        // One store that is away leaves the runs of the others. Nor is it an error that the last run of a page was removed meanwhile.
        if (!(error instanceof DiffSyncError) || (target !== undefined && error.code !== 'RUN_NOT_FOUND')) throw error;
        const { code, message } = bodyOf(error);
        if (code !== 'RUN_NOT_FOUND') unavailable.push({ target: of, code, message });
        return { of, runs: [] };
      }
    };
    const { page, next } = places.take(await Promise.all(targets.map(read)), limit);
    const secrets = this.catalog.secrets();
    return { runs: page.map((run) => shownRun(run, secrets)), next: next?.toString() ?? null, unavailable };
  }

  async one(target: string, id: string): Promise<RunView> {
    return this.view(await this.runner.history(this.catalog.adapter(target)).get(id));
  }

  view(run: SyncRun): RunView {
    return {
      run: shownRun(run, this.catalog.secrets()),
      models: Object.entries(run.models).map(([model, { create, update, delete: deleted }]) => ({
        model,
        create,
        update,
        delete: deleted,
      })),
      decisions: this.options.readOnly ? [] : this.decisions(run),
      stale: this.started.staleOf(run.id),
    };
  }

  /** A page ends where it is full, or long, or enough was looked at for it: what the filter leaves may be far away. */
  async changes(id: string, search: ChangeSearch): Promise<ChangePage> {
    const { target, limit, from } = search;
    const secrets = this.catalog.secrets();
    const changes: BoardChange[] = [];
    let length = 0;
    let looked = 0;
    for await (const change of this.runner.history(this.catalog.adapter(target)).changes(id, { from })) {
      const isFull = changes.length === limit || (length > PAGE_LENGTH && changes.length > 0);
      if (isFull || looked++ === LOOKED_AT) return { changes, next: change.index };
      if (!isWanted(change, search)) continue;
      const shown = shownChange(change, secrets);
      length += JSON.stringify(shown).length;
      changes.push(shown);
    }
    return { changes, next: null };
  }

  private decisions({ kind, outcome, of, approval, appliedBy, results, changes, source }: SyncRun): Decision[] {
    if (kind === 'dry-run') {
      const isOpen = outcome === 'succeeded' && of === undefined && appliedBy === undefined && changes > 0;
      if (!isOpen || this.catalog.adapters().every(({ name }) => name !== source)) return [];
      return approval === undefined ? ['approve'] : ['apply'];
    }
    const isKnown = outcome !== 'running' && outcome !== 'interrupted';
    return isKnown && results !== undefined && results.done > 0 ? ['undo'] : [];
  }
}

function isWanted({ model, action, result, uid }: RunChange, wanted: ChangeSearch): boolean {
  return (
    (wanted.model?.includes(model) ?? true) &&
    (wanted.action?.includes(action) ?? true) &&
    (wanted.result?.includes(result) ?? true) &&
    (wanted.search === undefined || uid.includes(wanted.search))
  );
}
