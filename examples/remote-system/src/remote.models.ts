import {
  type Adapter,
  type AttrsOf,
  type CreateContext,
  DiffSyncModelFlags,
  type IdentifiersOf,
} from 'nestjs-diffsync';
import { z } from 'zod';
import { Country, Region } from './models.js';
import type { RemoteApi } from './remote-api.js';

/** What the hooks ask of the adapter. */
interface RemoteHost extends Adapter {
  readonly api: RemoteApi;
}

/** The remote system has an id of its own for each object: it is stored beside the attributes, and never compared. */
const remoteId = z.string().optional();

export class RemoteRegion extends Region.variant({
  schema: Region.definition.schema.extend({ remoteId }),
  modelFlags: DiffSyncModelFlags.NATURAL_DELETION_ORDER, // the system refuses to delete a region that has countries
}) {
  declare adapter: RemoteHost;

  static override async create({ adapter, ids }: CreateContext<IdentifiersOf<typeof Region>, object, RemoteHost>) {
    return super.create({ adapter, ids, attrs: { remoteId: await adapter.api.create('regions', ids) } });
  }

  override async delete() {
    await this.adapter.api.delete(`regions/${this.remoteId}`);
    return super.delete();
  }
}

type CountryAttrs = AttrsOf<typeof Country>;

export class RemoteCountry extends Country.variant({ schema: Country.definition.schema.extend({ remoteId }) }) {
  declare adapter: RemoteHost;

  static override async create({
    adapter,
    ids,
    attrs,
  }: CreateContext<IdentifiersOf<typeof Country>, CountryAttrs, RemoteHost>) {
    const fields = { ...ids, ...(await withRegionId(adapter, attrs)) };
    return super.create({ adapter, ids, attrs: { ...attrs, remoteId: await adapter.api.create('countries', fields) } });
  }

  override async update(attrs: CountryAttrs) {
    await this.adapter.api.change(`countries/${this.remoteId}`, await withRegionId(this.adapter, attrs));
    return super.update(attrs);
  }

  override async delete() {
    await this.adapter.api.delete(`countries/${this.remoteId}`);
    return super.delete();
  }
}

/** The attributes as the remote system takes them: it names the region of a country by the id of that. */
async function withRegionId(adapter: RemoteHost, fields: { readonly region?: string | undefined }): Promise<object> {
  const { region, ...attrs } = fields;
  if (region === undefined) return attrs;
  const { remoteId: regionId } = await adapter.get(RemoteRegion, region);
  return { ...attrs, regionId };
}
