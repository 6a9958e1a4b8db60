import { ValueError } from '../errors.js';

/** The same in every copy of this package that the process has loaded. */
const MARK = Symbol.for('nestjs-diffsync.copy');
const THIS_COPY = Object.freeze({});

/** Marks the instances of a class as those of this copy of the package. */
export function markCopy({ prototype }: { readonly prototype: object }): void {
  Object.defineProperty(prototype, MARK, { value: THIS_COPY });
}

/**
 * Refuses what another copy of this package has made, which private fields and `instanceof` would fail on later.
 * @param what - begins the message.
 * @param value - an instance, or a prototype.
 * @throws {ValueError} for what comes from another copy.
 */
export function refuseOtherCopy(what: string, value: unknown): void {
  const copy: unknown = (value as { readonly [MARK]?: unknown } | null | undefined)?.[MARK];
  if (copy === undefined || copy === THIS_COPY) return;
  throw new ValueError(
    `${what} comes from another copy of nestjs-diffsync that this process has loaded, and two copies do not work together: have ` +
      `it installed once (npm ls nestjs-diffsync), and load it either by import or by require`,
  );
}
