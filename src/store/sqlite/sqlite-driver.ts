import type Database from 'better-sqlite3';
import { ObjectStoreException } from '../../errors.js';
import { packageException } from '../optional-package.js';

/** The class of better-sqlite3. */
export type Driver = typeof Database;

/** The generations of the driver that differ in how they reach their binary. */
export type DriverGeneration = 12 | 13;

let hasWarned = false;

/**
 * Loads better-sqlite3, and refuses it where it would end the process. By a dynamic import of the package alone, so that a
 * bundler neither needs the package nor moves its import to the top.
 * @param store - begins the message of an error.
 * @throws {ObjectStoreException} (STORE_PACKAGE_MISSING) when it is not installed, or not for this version of Node.
 */
export async function loadDriver(store: string): Promise<Driver> {
  const loaded = await import('better-sqlite3').catch((error: unknown) => {
    throw packageException(store, 'better-sqlite3', error);
  });
  const advice = adviceFor(generationOf(loaded.default), process.versions.node);
  if (advice?.refuse === true)
    throw new ObjectStoreException(`${store}: ${advice.text}`, { code: 'STORE_PACKAGE_MISSING' });
  if (advice !== undefined && !hasWarned) process.emitWarning(advice.text, { code: 'DIFFSYNC_SQLITE_DRIVER' });
  hasWarned ||= advice !== undefined;
  return loaded.default;
}

/** Returns what is wrong with a generation of the driver on a version of Node; undefined where nothing is known. */
export function adviceFor(
  generation: DriverGeneration,
  node: string,
): { readonly refuse: boolean; readonly text: string } | undefined {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  // It is made for version 10 of Node-API, whatever its manifest says.
  if (generation === 13 && (major < 22 || (major === 22 && minor < 14))) {
    const text = `better-sqlite3 13 needs Node 22.14 or newer, and ends the process on Node ${node}: npm install better-sqlite3@12`;
    return { refuse: true, text };
  }
  if (generation === 12 && major === 24 && minor >= 19 && minor <= 21) {
    const text = `better-sqlite3 12 can end the process on Node ${node}: npm install better-sqlite3@13`;
    return { refuse: false, text };
  }
  return undefined;
}

/** Tells the generation by what the driver calls on its binary. A stand-in takes the calls: the real one may end the process. */
export function generationOf(driver: Driver): DriverGeneration {
  let generation: DriverGeneration = 12;
  const binary = {
    setErrorConstructor: () => undefined,
    initialize: () => void (generation = 13),
    Database: class {},
  };
  // The types name a path only.
  void new driver(':memory:', { nativeBinding: binary as unknown as string });
  return generation;
}
