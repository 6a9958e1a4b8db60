import { type Adapter, type AttrsOf, type CreateContext, DiffSyncModel, type IdentifiersOf } from 'nestjs-diffsync';
import { z } from 'zod';
import type { FilterFile } from './filter-file.js';
import { canonicalPrefix } from './prefix.js';

/** However a system writes a prefix, the model has one spelling of it: objects are paired by that. */
const prefix = z.string().transform((text, context) => {
  const canonical = canonicalPrefix(text);
  if (canonical === undefined) context.addIssue({ code: 'custom', message: `${text} is no IP prefix` });
  return canonical ?? z.NEVER;
});

export class Prefix extends DiffSyncModel.define({
  name: 'prefix',
  schema: z.object({ prefix, name: z.string(), rfc: z.string() }),
  identifiers: ['prefix'],
  attributes: ['name', 'rfc'],
}) {}

/** What the hooks ask of the filter's adapter. */
interface FilterHost extends Adapter {
  readonly file: FilterFile;
}

/** A prefix in the filter, which knows no RFC: what both sides' classes declare is compared, the name. */
export class FilterPrefix extends DiffSyncModel.define({
  name: 'prefix',
  schema: z.object({ prefix, name: z.string(), action: z.enum(['accept', 'drop']).default('drop') }),
  identifiers: ['prefix'],
  attributes: ['name'],
}) {
  declare adapter: FilterHost;

  static override async create({
    adapter,
    ids,
    attrs,
  }: CreateContext<IdentifiersOf<typeof FilterPrefix>, AttrsOf<typeof FilterPrefix>, FilterHost>) {
    const created = await super.create({ adapter, ids, attrs });
    if (created !== null) adapter.file.describe(created.prefix, { comment: created.name, action: created.action });
    return created;
  }

  override async update(attrs: AttrsOf<typeof FilterPrefix>) {
    const updated = await super.update(attrs);
    if (updated !== null) this.adapter.file.describe(this.prefix, { comment: updated.name, action: updated.action });
    return updated;
  }

  override async delete() {
    this.adapter.file.delete(this.prefix);
    return super.delete();
  }
}
