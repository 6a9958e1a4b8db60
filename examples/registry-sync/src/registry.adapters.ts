import { Injectable } from '@nestjs/common';
import { Adapter, BaseStore, InjectStore } from 'nestjs-diffsync';
import { Assignment } from './assignment.model.js';
import { readSnapshot, type SnapshotPackage } from './snapshots.js';

const BATCH = 1000;

/** A registry that is loaded from a snapshot. */
export abstract class RegistryAdapter extends Adapter {
  static override readonly models = [Assignment];
  static override readonly topLevel = ['assignment'];

  constructor(
    store: BaseStore,
    private readonly snapshot: SnapshotPackage,
  ) {
    super({ store });
  }

  override async load(): Promise<void> {
    const entries = await readSnapshot(this.snapshot);
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH);
      await this.addMany(batch.map(([prefix, text]) => toAssignment(prefix, text)));
      this.progress(start + batch.length, entries.length);
    }
  }
}

/** The registry as it is published now. */
@Injectable()
export class PublishedRegistry extends RegistryAdapter {
  constructor(@InjectStore('published') store: BaseStore) {
    super(store, 'oui-data-new');
  }
}

/** Our copy of the registry, as it was last brought up to date. */
@Injectable()
export class MirroredRegistry extends RegistryAdapter {
  constructor(@InjectStore('mirrored') store: BaseStore) {
    super(store, 'oui-data-old');
  }
}

function toAssignment(prefix: string, text: string): Assignment {
  const [organization = '', ...address] = text.split('\n');
  return new Assignment({ prefix, organization, address: address.join('\n') });
}
