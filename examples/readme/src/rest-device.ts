import { DiffSyncModel } from 'nestjs-diffsync';
import { z } from 'zod';

const INVENTORY_URL = process.env['INVENTORY_URL'] ?? 'http://127.0.0.1:8000';

export class RestDevice extends DiffSyncModel.define({
  name: 'device',
  schema: z.object({ name: z.string(), role: z.string().optional(), serial: z.string().optional() }),
  identifiers: ['name'],
  attributes: ['role', 'serial'],
}) {
  override async update(attrs: { role?: string | undefined; serial?: string | undefined }) {
    // JSON has no undefined: without this the key of a cleared attribute is missing, and the system keeps the value.
    const body = JSON.stringify(attrs, (_key, value: unknown) => (value === undefined ? null : value));
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${INVENTORY_URL}/devices/${this.name}`, { method: 'PATCH', headers, body });
    if (!response.ok) throw new Error(`PATCH of ${this.name}: status ${response.status}`);
    return super.update(attrs);
  }
}
