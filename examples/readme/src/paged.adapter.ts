import { Adapter } from 'nestjs-diffsync';
import { Device } from './device.js';

export class PagedAdapter extends Adapter {
  static override readonly models = [Device];
  static override readonly topLevel = ['device'];

  constructor(private readonly url: string) {
    super();
  }

  override async load(): Promise<void> {
    for (let page = 1, pages = 1; page <= pages; page++) {
      const response = await fetch(`${this.url}?page=${page}`, { signal: this.loadSignal });
      if (!response.ok) {
        this.markIncomplete('device', `page ${page} answered ${response.status}`);
        return;
      }
      const answer = (await response.json()) as { readonly pages: number; readonly devices: { name: string }[] };
      pages = answer.pages;
      await this.addMany(await Promise.all(answer.devices.map((device) => Device.parse(device))));
      this.progress(page, pages);
    }
  }
}
