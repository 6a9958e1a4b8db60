import type {
  AttrsOf,
  BulkContext,
  CreateItem,
  DeleteItem,
  DiffSyncModel,
  IdentifiersOf,
  UpdateItem,
} from 'nestjs-diffsync';
import { Address, Device, Interface } from './inventory.models.js';
import { SqlTable } from './sql-table.js';
import type { SqlAdapter } from './sql.adapter.js';

type DeviceIds = IdentifiersOf<typeof Device>;
type DeviceAttrs = AttrsOf<typeof Device>;
type InterfaceIds = IdentifiersOf<typeof Interface>;
type InterfaceAttrs = AttrsOf<typeof Interface>;
type AddressIds = IdentifiersOf<typeof Address>;
type AddressAttrs = AttrsOf<typeof Address>;

export const DEVICES = new SqlTable<DeviceIds & Required<DeviceAttrs>>(
  'device',
  { name: 'text', role: 'text', site: 'text' },
  ['name'],
);
export const INTERFACES = new SqlTable<InterfaceIds & Required<InterfaceAttrs>>(
  'interface',
  { device: 'text', name: 'text', speed: 'integer' },
  ['device', 'name'],
);
export const ADDRESSES = new SqlTable<AddressIds & Required<AddressAttrs>>(
  'address',
  { address: 'text', device: 'text', interface: 'text' },
  ['address'],
);

/** A device in the database: each hook is one statement for all objects that it gets. */
export class CmdbDevice extends Device {
  static override async createBulk({ adapter, objects }: BulkContext<CreateItem<DeviceIds, DeviceAttrs>, SqlAdapter>) {
    await DEVICES.insert(adapter.client, objects);
    return Promise.all(objects.map((each) => this.create({ adapter, ...each })));
  }

  static override async updateBulk({ adapter, objects }: BulkContext<UpdateItem<CmdbDevice, DeviceAttrs>, SqlAdapter>) {
    await DEVICES.update(adapter.client, objects);
    return changed(objects);
  }

  static override async deleteBulk({ adapter, objects }: BulkContext<DeleteItem<CmdbDevice>, SqlAdapter>) {
    await DEVICES.delete(adapter.client, objects);
    return objects.map(({ model }) => model);
  }
}

/** An interface in the database. */
export class CmdbInterface extends Interface {
  static override async createBulk({
    adapter,
    objects,
  }: BulkContext<CreateItem<InterfaceIds, InterfaceAttrs>, SqlAdapter>) {
    await INTERFACES.insert(adapter.client, objects);
    return Promise.all(objects.map((each) => this.create({ adapter, ...each })));
  }

  static override async updateBulk({
    adapter,
    objects,
  }: BulkContext<UpdateItem<CmdbInterface, InterfaceAttrs>, SqlAdapter>) {
    await INTERFACES.update(adapter.client, objects);
    return changed(objects);
  }

  static override async deleteBulk({ adapter, objects }: BulkContext<DeleteItem<CmdbInterface>, SqlAdapter>) {
    await INTERFACES.delete(adapter.client, objects);
    return objects.map(({ model }) => model);
  }
}

/** An address in the database. */
export class CmdbAddress extends Address {
  static override async createBulk({
    adapter,
    objects,
  }: BulkContext<CreateItem<AddressIds, AddressAttrs>, SqlAdapter>) {
    await ADDRESSES.insert(adapter.client, objects);
    return Promise.all(objects.map((each) => this.create({ adapter, ...each })));
  }

  static override async updateBulk({
    adapter,
    objects,
  }: BulkContext<UpdateItem<CmdbAddress, AddressAttrs>, SqlAdapter>) {
    await ADDRESSES.update(adapter.client, objects);
    return changed(objects);
  }

  static override async deleteBulk({ adapter, objects }: BulkContext<DeleteItem<CmdbAddress>, SqlAdapter>) {
    await ADDRESSES.delete(adapter.client, objects);
    return objects.map(({ model }) => model);
  }
}

/** Sets on the objects what the database has now. */
function changed<M extends DiffSyncModel>(objects: readonly UpdateItem<M, object>[]): M[] {
  return objects.map(({ model, attrs }) => Object.assign(model, attrs));
}
