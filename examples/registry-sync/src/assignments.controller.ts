import { Controller, Get, NotFoundException, Param, UseFilters, UseGuards } from '@nestjs/common';
import {
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { Assignment } from './assignment.model.js';
import { MirroredRegistry } from './registry.adapters.js';
import { StoreErrorFilter } from './store-error.filter.js';
import { TokenGuard } from './token.guard.js';

/** What the mirrored registry holds: on SQLite and Redis, what another process has synchronised. */
@Controller('assignments')
@UseGuards(TokenGuard)
@UseFilters(StoreErrorFilter)
export class AssignmentsController {
  constructor(private readonly registry: MirroredRegistry) {}

  @Get(':prefix')
  @ApiOperation({ summary: 'Read one assignment of the mirrored registry' })
  @ApiOkResponse({ standardSchema: Assignment.definition.schema })
  @ApiUnauthorizedResponse({ description: 'The token is missing or wrong' })
  @ApiNotFoundResponse({ description: 'There is no such assignment' })
  @ApiServiceUnavailableResponse({ description: 'The store does not answer, as its code says' })
  async get(@Param('prefix') prefix: string): Promise<Assignment> {
    const assignment = await this.registry.getOrNone(Assignment, { prefix });
    if (assignment === null) throw new NotFoundException(`No assignment has the prefix "${prefix}"`);
    return assignment;
  }
}
