import { stat, statfs } from 'node:fs/promises';
import type { DiskHealth } from '../store-health.js';

/** Looks at a database file. @returns undefined where the operating system does not tell. */
export async function diskHealth(path: string): Promise<DiskHealth | undefined> {
  try {
    const [file, log, disk] = await Promise.all([stat(path), sizeOf(`${path}-wal`), statfs(path)]);
    return { fileBytes: file.size, logBytes: log, freeBytes: disk.bavail * disk.bsize };
  } catch {
    return undefined;
  }
}

/** @returns 0 for a file that is not there. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
