import { Controller, Get, HttpStatus, Param, Req, Res, UseFilters, UseGuards, type Type } from '@nestjs/common';
import { BoardAssets } from './assets.js';
import { BoardErrorFilter, refusal } from './board-errors.js';
import type { ResolvedBoardOptions } from './board.options.js';
import { OfTheBoard, OfThePage } from './described.js';
import { Reply } from './reply.js';

interface PageRequest {
  readonly headers: { readonly 'if-none-match'?: string };
}

/** Makes the controller of the page. It is a class of its own for each board: path and guards are metadata of the class. */
export function pagesController({ path, guards }: ResolvedBoardOptions): Type {
  @Controller(path)
  @UseGuards(...guards)
  @UseFilters(BoardErrorFilter)
  @OfTheBoard()
  class BoardPagesController {
    constructor(
      private readonly assets: BoardAssets,
      private readonly reply: Reply,
    ) {}

    @Get()
    @OfThePage()
    index(@Req() request: PageRequest, @Res() response: object): void {
      // The addresses in the page are relative to its own: it has to have a name below that of the board.
      const folder = this.reply.hasSlash(request) ? '' : `${path.slice(path.lastIndexOf('/') + 1)}/`;
      this.reply.redirect(response, `./${folder}index.html`);
    }

    @Get(':asset')
    @OfThePage()
    asset(@Param('asset') name: string, @Req() request: PageRequest, @Res() response: object): void {
      const asset = this.assets.get(name);
      if (asset === undefined) throw refusal(HttpStatus.NOT_FOUND, 'NOT_FOUND', `The board has no file "${name}"`);
      this.reply.asset(request, response, asset);
    }
  }
  return BoardPagesController;
}
