import { Controller, Get, Query, Res, UseFilters, UseGuards, type Type } from '@nestjs/common';
import type { z } from 'zod';
import * as answers from './answers.js';
import type { BoardInfo } from './board-api.js';
import { BoardErrorFilter } from './board-errors.js';
import type { ResolvedBoardOptions } from './board.options.js';
import { Catalog } from './catalog.js';
import { OfTheBoard, Route } from './described.js';
import { ObjectViews } from './object-views.js';
import { Checked, ObjectQuery, ObjectsQuery, StoreQuery } from './queries.js';
import { Reply } from './reply.js';
import { StoreViews } from './store-views.js';

const NO_STORE = { 404: ['There is no such store, or object: STORE_NOT_FOUND, OBJECT_NOT_FOUND'] } as const;
const AWAY = { 503: ['The store does not answer, as its code says'] } as const;

/** Makes the controller of what the stores have. */
export function storesController({ path, guards, readOnly }: ResolvedBoardOptions): Type {
  @Controller(path)
  @UseGuards(...guards)
  @UseFilters(BoardErrorFilter)
  @OfTheBoard()
  class BoardStoresController {
    constructor(
      private readonly catalog: Catalog,
      private readonly stores: StoreViews,
      private readonly objects: ObjectViews,
      private readonly reply: Reply,
    ) {}

    @Get('api/board')
    @Route({ summary: 'What the board is, and the adapters of the application', answer: answers.BoardInfo })
    board(@Res() response: object): void {
      this.reply.json(response, { readOnly, adapters: this.catalog.describe() } satisfies BoardInfo);
    }

    @Get('api/stores')
    @Route({ summary: 'The stores, how they are, and what is in them', answer: answers.StoreList })
    async list(@Res() response: object): Promise<void> {
      this.reply.json(response, { stores: await this.stores.all() });
    }

    @Get('api/store')
    @Route({ summary: 'One store', query: StoreQuery, answer: answers.StoreView, errors: NO_STORE })
    async store(
      @Query(new Checked(StoreQuery)) query: z.infer<typeof StoreQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.stores.one(query.store));
    }

    @Get('api/objects')
    @Route({
      summary: 'The objects of a model, page by page, or those with a text in their unique id',
      query: ObjectsQuery,
      answer: answers.ObjectPage,
      errors: { ...NO_STORE, ...AWAY },
    })
    async page(
      @Query(new Checked(ObjectsQuery)) query: z.infer<typeof ObjectsQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.objects.page(query));
    }

    @Get('api/object')
    @Route({
      summary: 'One object: its fields, what is below it, and what it is below',
      query: ObjectQuery,
      answer: answers.ObjectView,
      errors: { ...NO_STORE, ...AWAY },
    })
    async object(
      @Query(new Checked(ObjectQuery)) query: z.infer<typeof ObjectQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.objects.one(query));
    }

    @Get('api/object/history')
    @Route({
      summary: 'What has happened to an object, the newest change first',
      query: ObjectQuery,
      answer: answers.ObjectHistory,
      errors: { ...NO_STORE, ...AWAY },
    })
    async history(
      @Query(new Checked(ObjectQuery)) query: z.infer<typeof ObjectQuery>,
      @Res() response: object,
    ): Promise<void> {
      this.reply.json(response, await this.objects.history(query));
    }
  }
  return BoardStoresController;
}
