import { readFile, rename, writeFile } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';

/** The path of the filter's file. */
export const FILTER_FILE = 'FILTER_FILE';

const rule = z.object({
  network: z.string(),
  mask: z.string(),
  comment: z.string(),
  action: z.enum(['accept', 'drop']),
});

export type Rule = z.output<typeof rule>;

/** The rules of a packet filter, by the prefix as the models spell it. */
@Injectable()
export class FilterFile {
  private readonly rules = new Map<string, Rule>();

  constructor(@Inject(FILTER_FILE) private readonly path: string) {}

  async read(): Promise<Rule[]> {
    return rule.array().parse(JSON.parse(await readFile(this.path, 'utf8')));
  }

  set(prefix: string, each: Rule): void {
    this.rules.set(prefix, each);
  }

  delete(prefix: string): void {
    this.rules.delete(prefix);
  }

  /** A rule that is there keeps its own spelling of the prefix. */
  describe(prefix: string, { comment, action }: Pick<Rule, 'comment' | 'action'>): void {
    const [network = '', mask = ''] = prefix.split('/');
    this.rules.set(prefix, { ...(this.rules.get(prefix) ?? { network, mask }), comment, action });
  }

  /** Whole or not at all. */
  async save(): Promise<void> {
    await writeFile(`${this.path}.new`, `${JSON.stringify([...this.rules.values()], null, 2)}\n`);
    await rename(`${this.path}.new`, this.path);
  }
}
