import { readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Adapter, type BaseStore, InjectStore } from 'nestjs-diffsync';
import { Prefix } from './models.js';

/** IANA's registries of special-purpose addresses: CIDR notation, in a CSV file. */
@Injectable()
export class RegistryAdapter extends Adapter {
  static override readonly models = [Prefix];
  static override readonly topLevel = ['prefix'];

  constructor(@InjectStore('registry') store: BaseStore) {
    super({ name: 'registry', store });
  }

  override async load(): Promise<void> {
    const text = await readFile(new URL('../data/iana.csv', import.meta.url), 'utf8');
    const [, ...lines] = text.trimEnd().split('\n');
    for (const line of lines) {
      const [prefix = '', name = '', rfc = ''] = line.split(',');
      await this.add(new Prefix({ prefix, name, rfc: rfc.replaceAll(/[[\]]/g, '') }));
    }
  }
}
