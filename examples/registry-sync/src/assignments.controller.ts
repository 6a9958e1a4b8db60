import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { Assignment } from './assignment.model.js';
import { MirroredRegistry } from './registry.adapters.js';

/** What the mirrored registry holds: on SQLite and Redis, what another process has synchronised. */
@Controller('assignments')
export class AssignmentsController {
  constructor(private readonly registry: MirroredRegistry) {}

  @Get(':prefix')
  async get(@Param('prefix') prefix: string): Promise<Assignment> {
    const assignment = await this.registry.getOrNone(Assignment, { prefix });
    if (assignment === null) throw new NotFoundException(`No assignment has the prefix "${prefix}"`);
    return assignment;
  }
}
