import { Body, Controller, Get, Param, Post, Req, Res, UseFilters, UseGuards, type Type } from '@nestjs/common';
import type { z } from 'zod';
import * as answers from './answers.js';
import type { SyncRun } from '../index.js';
import { BoardErrorFilter } from './board-errors.js';
import type { ResolvedBoardOptions } from './board.options.js';
import { Decisions } from './decisions.js';
import { OfTheBoard, Route } from './described.js';
import { ApplyBody, ApproveBody, Checked, RunId, StartBody, UndoBody } from './queries.js';
import { Reply } from './reply.js';
import { RunViews } from './run-views.js';
import { SameOriginGuard } from './same-origin.guard.js';

const CONFLICT = 'Another run has the target, or the plan cannot be applied: SYNC_IN_PROGRESS, RUN_NOT_APPROVED, …';
const ERRORS = {
  404: ['There is no such adapter, or run: ADAPTER_NOT_FOUND, RUN_NOT_FOUND'],
  415: ['The body is not said to be JSON: NOT_JSON'],
} as const;
const REFUSED = { 422: ['A guard of the run refuses it: SYNC_TOO_MANY_DELETES, …'] } as const;

/** Makes the controller of what changes something. A board that is read-only has none. */
export function decideController({ path, guards, decideGuards }: ResolvedBoardOptions): Type {
  @Controller(path)
  @UseGuards(...guards, ...decideGuards)
  @UseFilters(BoardErrorFilter)
  @OfTheBoard()
  class BoardDecideController {
    constructor(
      private readonly decisions: Decisions,
      private readonly views: RunViews,
      private readonly reply: Reply,
    ) {}

    @Get('api/decide')
    @Route({ summary: 'Who decides, where the guards let them', answer: answers.DecideInfo })
    async user(@Req() request: object, @Res() response: object): Promise<void> {
      this.reply.json(response, { by: await this.decisions.userOf(request) });
    }

    @Post('api/runs')
    @UseGuards(SameOriginGuard)
    @Route({
      summary: 'Start a dry run, which goes on after the answer',
      body: StartBody,
      status: 202,
      answer: answers.RunStarted,
      errors: { ...ERRORS, 409: [CONFLICT] },
    })
    async start(
      @Body(new Checked(StartBody)) body: z.infer<typeof StartBody>,
      @Req() request: object,
      @Res() response: object,
    ): Promise<void> {
      const run = await this.decisions.start(body, await this.decisions.userOf(request));
      this.begun(response, run, 'runs/');
    }

    @Post('api/runs/:id/approve')
    @UseGuards(SameOriginGuard)
    @Route({
      summary: 'Approve the plan of a dry run',
      params: { id: RunId },
      body: ApproveBody,
      answer: answers.RunView,
      errors: {
        ...ERRORS,
        409: ['It has no plan that can be applied: RUN_WAS_REFUSED, RUN_WAS_APPLIED, RUN_HAS_NO_PLAN'],
      },
    })
    async approve(
      @Param('id', new Checked(RunId)) id: string,
      @Body(new Checked(ApproveBody)) body: z.infer<typeof ApproveBody>,
      @Req() request: object,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.decisions.approve(id, body, await this.decisions.userOf(request)));
    }

    @Post('api/runs/:id/apply')
    @UseGuards(SameOriginGuard)
    @Route({
      summary: 'Apply the approved plan of a dry run, as a run that goes on after the answer',
      params: { id: RunId },
      body: ApplyBody,
      status: 202,
      answer: answers.RunStarted,
      errors: { ...ERRORS, ...REFUSED, 409: [`The plan is stale: DIFF_STALE. ${CONFLICT}`, answers.Conflict] },
    })
    async apply(
      @Param('id', new Checked(RunId)) id: string,
      @Body(new Checked(ApplyBody)) body: z.infer<typeof ApplyBody>,
      @Req() request: object,
      @Res() response: object,
    ): Promise<void> {
      const run = await this.decisions.apply(id, body, await this.decisions.userOf(request));
      this.begun(response, run, '../');
    }

    @Post('api/runs/:id/undo')
    @UseGuards(SameOriginGuard)
    @Route({
      summary: 'Take back what a run has changed, as a run that goes on after the answer',
      params: { id: RunId },
      body: UndoBody,
      status: 202,
      answer: answers.RunStarted,
      errors: {
        ...ERRORS,
        ...REFUSED,
        409: [`What the run changed has changed since: DIFF_STALE. ${CONFLICT}`, answers.Conflict],
      },
    })
    async undo(
      @Param('id', new Checked(RunId)) id: string,
      @Body(new Checked(UndoBody)) body: z.infer<typeof UndoBody>,
      @Req() request: object,
      @Res() response: object,
    ): Promise<void> {
      const run = await this.decisions.undo(id, body, await this.decisions.userOf(request));
      this.begun(response, run, '../');
    }

    /** @param folder - Where the address of the run is, from that of the request. */
    private begun(response: object, run: SyncRun, folder: string): void {
      const location = `${folder}${run.id}?target=${encodeURIComponent(run.target)}`;
      this.reply.started(response, { run: this.views.view(run).run }, location);
    }
  }
  return BoardDecideController;
}
