import { Controller, Get, Res, UseFilters, UseGuards, type Type } from '@nestjs/common';
import { BoardErrorFilter } from './board-errors.js';
import type { ResolvedBoardOptions } from './board.options.js';
import { OfTheBoard, OfThePage } from './described.js';
import { openApiOf } from './open-api.js';
import { Reply } from './reply.js';

/** Makes the controller of the description of the others. */
export function descriptionController({ path, guards }: ResolvedBoardOptions, others: readonly Type[]): Type {
  const description = openApiOf(others);

  @Controller(path)
  @UseGuards(...guards)
  @UseFilters(BoardErrorFilter)
  @OfTheBoard()
  class BoardDescriptionController {
    constructor(private readonly reply: Reply) {}

    @Get('api/openapi.json')
    @OfThePage()
    openApi(@Res() response: object): void {
      this.reply.json(response, description);
    }
  }
  return BoardDescriptionController;
}
