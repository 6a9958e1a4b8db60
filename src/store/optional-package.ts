import { ObjectStoreException } from '../errors.js';

/**
 * Returns the error for an optional package that could not be loaded, with the reason: the package may be there.
 * @param owner - begins the message.
 */
export function packageException(owner: string, packageName: string, error: unknown): ObjectStoreException {
  const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ');
  const isMissing = new RegExp(`^Cannot find (?:package|module) '${packageName}'`).test(reason);
  const text = isMissing
    ? `needs the package "${packageName}": npm install ${packageName}`
    : `the package "${packageName}" is there and cannot be loaded: ${reason}`;
  return new ObjectStoreException(`${owner}: ${text}`, { code: 'STORE_PACKAGE_MISSING', cause: error });
}
