import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { Guarded } from './api-errors.js';
import { Assignment } from './assignment.model.js';
import { MirroredRegistry } from './registry.adapters.js';

/** What the mirrored registry holds: on SQLite and Redis, what another process has synchronised. */
@Controller('assignments')
@Guarded()
export class AssignmentsController {
  constructor(private readonly registry: MirroredRegistry) {}

  @Get(':prefix')
  @ApiOperation({ summary: 'Read one assignment of the mirrored registry' })
  @ApiOkResponse({ standardSchema: Assignment.definition.schema })
  async get(@Param('prefix') prefix: string): Promise<Assignment> {
    const assignment = await this.registry.getOrNone(Assignment, { prefix });
    if (assignment === null) throw new NotFoundException(`No assignment has the prefix "${prefix}"`);
    return assignment;
  }
}
