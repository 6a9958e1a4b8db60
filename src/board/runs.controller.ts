import type { ServerResponse } from 'node:http';
import {
  Controller,
  Get,
  Param,
  Query,
  Res,
  Sse,
  UseFilters,
  UseGuards,
  type MessageEvent,
  type Type,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { z } from 'zod';
import * as answers from './answers.js';
import { BoardErrorFilter } from './board-errors.js';
import type { ResolvedBoardOptions } from './board.options.js';
import { OfTheBoard, Route } from './described.js';
import { ChangesQuery, Checked, RunId, RunQuery, RunsQuery } from './queries.js';
import { Reply } from './reply.js';
import { RunEvents } from './run-events.js';
import { RunViews } from './run-views.js';

const NO_RUN = { 404: ['There is no such adapter, or run: ADAPTER_NOT_FOUND, RUN_NOT_FOUND'] } as const;

/** Makes the controller of what the runs have done. */
export function runsController({ path, guards }: ResolvedBoardOptions): Type {
  @Controller(path)
  @UseGuards(...guards)
  @UseFilters(BoardErrorFilter)
  @OfTheBoard()
  class BoardRunsController {
    constructor(
      private readonly runs: RunViews,
      private readonly events: RunEvents,
      private readonly reply: Reply,
    ) {}

    @Get('api/runs')
    @Route({
      summary: 'The runs of a target or of all, the newest first',
      query: RunsQuery,
      answer: answers.BoardRunPage,
      errors: NO_RUN,
    })
    async list(
      @Query(new Checked(RunsQuery)) query: z.infer<typeof RunsQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.runs.list(query));
    }

    @Get('api/runs/:id')
    @Route({ summary: 'One run', params: { id: RunId }, query: RunQuery, answer: answers.RunView, errors: NO_RUN })
    async run(
      @Param('id', new Checked(RunId)) id: string,
      @Query(new Checked(RunQuery)) { target }: z.infer<typeof RunQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.runs.one(target, id));
    }

    @Get('api/runs/:id/changes')
    @Route({
      summary: 'The changes of a run, in its order',
      params: { id: RunId },
      query: ChangesQuery,
      answer: answers.ChangePage,
      errors: NO_RUN,
    })
    async changes(
      @Param('id', new Checked(RunId)) id: string,
      @Query(new Checked(ChangesQuery)) query: z.infer<typeof ChangesQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.runs.changes(id, query));
    }

    @Sse('api/runs/:id/events')
    @Route({
      summary: 'Watch a run: "progress" with its phases, now and as it goes on, and "ended" with the run',
      params: { id: RunId },
      query: RunQuery,
      errors: NO_RUN,
    })
    async watch(
      @Param('id', new Checked(RunId)) id: string,
      @Query(new Checked(RunQuery)) { target }: z.infer<typeof RunQuery>,
      @Res({ passthrough: true }) response: ServerResponse | { readonly raw: ServerResponse },
    ): Promise<Observable<MessageEvent>> {
      return this.events.of(target, id, 'raw' in response ? response.raw : response);
    }
  }
  return BoardRunsController;
}
