import { Injectable } from '@nestjs/common';
import { Adapter, type BaseStore, InjectStore } from 'nestjs-diffsync';
import { FilterFile } from './filter-file.js';
import { FilterPrefix } from './models.js';

/** A packet filter: address and mask apart, in a JSON file that a sync rewrites. */
@Injectable()
export class FilterAdapter extends Adapter {
  static override readonly models = [FilterPrefix];
  static override readonly topLevel = ['prefix'];

  constructor(
    @InjectStore('filter') store: BaseStore,
    readonly file: FilterFile,
  ) {
    super({ name: 'filter', store });
  }

  override async load(): Promise<void> {
    for (const rule of await this.file.read()) {
      const { network, mask, comment: name, action } = rule;
      const prefix = new FilterPrefix({ prefix: `${network}/${mask}`, name, action });
      this.file.set(prefix.prefix, rule);
      await this.add(prefix);
    }
  }

  /** Is called once, after a sync that has changed something. */
  override async syncComplete(): Promise<void> {
    await this.file.save();
  }
}
