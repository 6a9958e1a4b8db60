import { Inject } from '@nestjs/common';

/** Injects the unnamed store. */
export const STORE = 'DIFFSYNC_STORE';

/** The token of a store: of the unnamed one without a name, else of the one that `forRoot` or `forFeature` named so. */
export function getStoreToken(name?: string): string {
  return name === undefined ? STORE : `${STORE}_${name}`;
}

/** Injects a store by the name that `forRoot` or `forFeature` gave it; the unnamed one without a name. */
export function InjectStore(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getStoreToken(name));
}
