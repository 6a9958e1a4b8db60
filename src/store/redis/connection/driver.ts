import type { Cluster, Redis } from 'ioredis';
import { packageException } from '../../optional-package.js';

type Driver = Pick<typeof import('ioredis'), 'Redis' | 'Cluster' | 'AbstractConnector'> & {
  readonly ReplyError: new () => Error;
};

let driver: Driver | undefined;

/**
 * Loads ioredis, before the first client is made. By a dynamic import of the package alone, so that a bundler neither needs
 * the package nor moves its import to the top.
 * @param store - begins the message of an error.
 * @throws {ObjectStoreException} (STORE_PACKAGE_MISSING) when it cannot be loaded.
 */
export async function loadDriver(store: string): Promise<void> {
  driver ??= await import('ioredis').catch((error: unknown) => {
    throw packageException(store, 'ioredis', error);
  });
}

/** Returns ioredis. A caller that makes a client has awaited `loadDriver`. */
export function ioredis(): Driver {
  if (driver === undefined) throw new Error('ioredis is used before it is loaded');
  return driver;
}

/** Whether a server has replied with this error. By its name too: the caller's client may come from another copy of ioredis. */
export function isReplyError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (error.name === 'ReplyError' || (driver !== undefined && error instanceof driver.ReplyError))
  );
}

/** Whether a client is one of a cluster; also one of another copy of ioredis. */
export function isClusterClient(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}
