import { Injectable } from '@nestjs/common';
import { Adapter, type BaseStore, InjectStore } from 'nestjs-diffsync';
import { RemoteApi } from './remote-api.js';
import { RemoteCountry, RemoteRegion } from './remote.models.js';

/** A system that is read and changed over HTTP. */
@Injectable()
export class RemoteAdapter extends Adapter {
  static override readonly models = [RemoteRegion, RemoteCountry];
  static override readonly topLevel = ['region'];

  constructor(
    @InjectStore('remote') store: BaseStore,
    readonly api: RemoteApi,
  ) {
    super({ name: 'remote', store });
  }

  override async load(): Promise<void> {
    const regions = new Map<string, RemoteRegion>();
    for (const { id, name } of await this.api.regions()) regions.set(id, new RemoteRegion({ name, remoteId: id }));
    await this.addMany([...regions.values()]);
    for await (const countries of this.api.countries()) {
      for (const { id, regionId, ...fields } of countries) {
        const parent = regions.get(regionId);
        if (parent === undefined) throw new Error(`${fields.code} is in a region that is not there: ${regionId}`);
        await this.add(new RemoteCountry({ ...fields, region: parent.name, remoteId: id }), { parent });
      }
    }
  }
}
