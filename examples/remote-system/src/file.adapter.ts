import { readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Adapter, type BaseStore, InjectStore } from 'nestjs-diffsync';
import { Country, Region } from './models.js';

/** The source of truth: a CSV file. */
@Injectable()
export class FileAdapter extends Adapter {
  static override readonly models = [Region, Country];
  static override readonly topLevel = ['region'];

  constructor(@InjectStore('file') store: BaseStore) {
    super({ name: 'file', store });
  }

  override async load(): Promise<void> {
    const text = await readFile(new URL('../data/countries.csv', import.meta.url), 'utf8');
    const [, ...lines] = text.trimEnd().split('\n');
    for (const line of lines) {
      const [name = '', code = '', ...rest] = line.split(',');
      const [country = '', capital = '', currency = ''] = rest;
      const [region] = await this.getOrInstantiate(Region, { name });
      await this.add(new Country({ code, region: name, name: country, capital, currency }), { parent: region });
    }
  }
}
