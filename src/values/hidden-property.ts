/**
 * Gives an error a property that is not enumerable, so that no log shows it.
 * @returns what was given: anything can be thrown, and what takes no property stays as it is.
 */
export function withHidden<E>(error: E, name: string, value: unknown): E {
  if (error instanceof Error && Object.isExtensible(error)) {
    Object.defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
  }
  return error;
}
