import { DiffSyncModel, ObjectNotCreated, type AttrsOf, type CreateContext, type IdentifiersOf } from 'nestjs-diffsync';
import { z } from 'zod';

export class IdempotentDevice extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string() }),
  identifiers: ['name'],
  attributes: ['role'],
}) {
  static url = 'http://localhost/devices';

  static override async create(
    context: CreateContext<IdentifiersOf<typeof IdempotentDevice>, AttrsOf<typeof IdempotentDevice>>,
  ) {
    const { ids, attrs, idempotencyKey } = context;
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) },
      body: JSON.stringify({ ...ids, ...attrs }),
    });
    if (!answer.ok) throw new ObjectNotCreated(`${ids.name}: the inventory answered ${answer.status}`);
    return super.create(context);
  }
}
