import { Inject, Injectable } from '@nestjs/common';
import { InjectStore, type BaseStore } from 'nestjs-diffsync';
import { ADDRESSES, CmdbAddress, CmdbDevice, CmdbInterface, DEVICES, INTERFACES } from './cmdb.models.js';
import { SQL, type SqlClient } from './sql-table.js';
import { SqlAdapter } from './sql.adapter.js';

const PAGE = 10_000;

/** The database that is brought up to date. */
@Injectable()
export class CmdbAdapter extends SqlAdapter {
  static override readonly models = [CmdbDevice, CmdbInterface, CmdbAddress];
  static override readonly topLevel = ['device'];

  constructor(
    @InjectStore('cmdb') store: BaseStore,
    @Inject(SQL) override readonly client: SqlClient,
  ) {
    super({ name: 'cmdb', store });
  }

  override async load(): Promise<void> {
    let done = 0;
    // Children first: a parent is added with the list of them.
    const addresses = new Map<string, string[]>();
    for await (const rows of ADDRESSES.pages(this.client, PAGE)) {
      await this.addMany(rows.map((row) => new CmdbAddress(row)));
      for (const { address, device, interface: name } of rows) {
        append(addresses, CmdbInterface.createUniqueId({ device, name }), address);
      }
      this.progress((done += rows.length));
    }
    const interfaces = new Map<string, string[]>();
    for await (const rows of INTERFACES.pages(this.client, PAGE)) {
      const objects = rows.map((row) => {
        const uid = CmdbInterface.createUniqueId(row);
        append(interfaces, row.device, uid);
        return new CmdbInterface({ ...row, addresses: addresses.get(uid) ?? [] });
      });
      await this.addMany(objects);
      this.progress((done += rows.length));
    }
    for await (const rows of DEVICES.pages(this.client, PAGE)) {
      await this.addMany(rows.map((row) => new CmdbDevice({ ...row, interfaces: interfaces.get(row.name) ?? [] })));
      this.progress((done += rows.length));
    }
  }
}

function append(lists: Map<string, string[]>, key: string, uid: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [uid]);
  else list.push(uid);
}
