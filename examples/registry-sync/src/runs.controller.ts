import type { ServerResponse } from 'node:http';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Res,
  Sse,
  UseGuards,
  type MessageEvent,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiUnsupportedMediaTypeResponse,
} from '@nestjs/swagger';
import { SyncRunner, type RunChange, type RunHistory, type RunPage, type SyncRun } from 'nestjs-diffsync';
import type { Observable } from 'rxjs';
import { Answers, Guarded } from './api-errors.js';
import * as api from './api-schemas.js';
import { JsonBodyGuard } from './json-body.guard.js';
import { MirroredRegistry } from './registry.adapters.js';
import { RunEvents } from './run-events.js';
import { RunningSyncs } from './running-syncs.js';

/** A page of the changes of a run. */
interface ChangePage {
  readonly changes: readonly RunChange[];
  readonly next: number | null;
}

/** The runs that bring the mirrored registry up to date. */
@Controller('runs')
@Guarded()
export class RunsController {
  private readonly history: RunHistory;

  constructor(
    private readonly running: RunningSyncs,
    private readonly events: RunEvents,
    syncs: SyncRunner,
    mirrored: MirroredRegistry,
  ) {
    this.history = syncs.history(mirrored);
  }

  @Post()
  @UseGuards(JsonBodyGuard)
  @HttpCode(HttpStatus.ACCEPTED)
  @ApiOperation({ summary: 'Start a run, which goes on after the answer' })
  @ApiAcceptedResponse({ standardSchema: api.Run, headers: { Location: { schema: { type: 'string' } } } })
  @Answers(HttpStatus.CONFLICT, 'Another run is under way: SYNC_IN_PROGRESS')
  @ApiUnsupportedMediaTypeResponse({ description: 'The body is not said to be JSON' })
  async start(
    @Body({ schema: api.StartRun }) body: api.StartRun,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<SyncRun> {
    const run = await this.running.start(body);
    response.setHeader('Location', `/runs/${run.id}`);
    return run;
  }

  @Get()
  @ApiOperation({ summary: 'List the runs, the newest first' })
  @ApiOkResponse({ standardSchema: api.RunPage })
  async list(@Query({ schema: api.RunsQuery }) query: api.RunsQuery): Promise<RunPage> {
    return this.history.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read one run' })
  @ApiOkResponse({ standardSchema: api.Run })
  @Answers(HttpStatus.NOT_FOUND, 'There is no such run: RUN_NOT_FOUND')
  async get(@Param('id') id: string): Promise<SyncRun> {
    return this.history.get(id);
  }

  @Sse(':id/events')
  @ApiOperation({ summary: 'Watch a run: "progress" with its phases, now and as it goes on, and "ended" with the run' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Answers(HttpStatus.NOT_FOUND, 'There is no such run: RUN_NOT_FOUND')
  async watch(
    @Param('id') id: string,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<Observable<MessageEvent>> {
    return this.events.of(id, response);
  }

  @Get(':id/changes')
  @ApiOperation({ summary: 'List the changes of a run, in its order' })
  @ApiOkResponse({ standardSchema: api.ChangePage })
  @Answers(HttpStatus.NOT_FOUND, 'There is no such run: RUN_NOT_FOUND')
  async changes(
    @Param('id') id: string,
    @Query({ schema: api.ChangesQuery }) query: api.ChangesQuery,
  ): Promise<ChangePage> {
    const { model, action, limit, cursor } = query;
    const changes: RunChange[] = [];
    for await (const change of this.history.changes(id, { models: model, actions: action, from: cursor })) {
      if (changes.length === limit) return { changes, next: change.index };
      changes.push(change);
    }
    return { changes, next: null };
  }
}
