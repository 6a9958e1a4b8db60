import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { z } from 'zod';

const { resolve } = createRequire(import.meta.url);
const snapshot = z.record(z.string(), z.string());

/** A package that holds the whole registry as one JSON object: prefix -> lines of text. */
export type SnapshotPackage = 'oui-data-old' | 'oui-data-new';

export async function readSnapshot(name: SnapshotPackage): Promise<[prefix: string, text: string][]> {
  return Object.entries(snapshot.parse(JSON.parse(await readFile(resolve(name), 'utf8'))));
}
