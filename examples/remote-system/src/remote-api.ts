import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';

/** The address of the remote system. */
export const REMOTE_URL = 'REMOTE_URL';

const TIMEOUT_MS = 30_000;

const created = z.object({ id: z.string() });
const region = z.object({ id: z.string(), name: z.string() });
const country = z.object({
  id: z.string(),
  regionId: z.string(),
  code: z.string(),
  name: z.string(),
  capital: z.string(),
  currency: z.string(),
});
const page = z.object({ pages: z.number(), countries: z.array(country) });

export type RemoteCountry = z.output<typeof country>;

/** The client of the remote system: what it answers is checked, and every request ends. */
@Injectable()
export class RemoteApi {
  constructor(@Inject(REMOTE_URL) private readonly url: string) {}

  async regions(): Promise<z.output<typeof region>[]> {
    return region.array().parse(await this.request('GET', 'regions'));
  }

  async *countries(): AsyncGenerator<RemoteCountry[]> {
    for (let number = 1, pages = 1; number <= pages; number++) {
      const answer = page.parse(await this.request('GET', `countries?page=${number}`));
      yield answer.countries;
      pages = answer.pages;
    }
  }

  /** @returns the id that the remote system gives. */
  async create(path: 'regions' | 'countries', fields: object): Promise<string> {
    return created.parse(await this.request('POST', path, fields)).id;
  }

  async change(path: string, fields: object): Promise<void> {
    await this.request('PATCH', path, fields);
  }

  async delete(path: string): Promise<void> {
    await this.request('DELETE', path);
  }

  private async request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}/${path}`, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: status ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
