import { Inject } from '@nestjs/common';

/** The token of the unnamed store. */
export const STORE = 'DIFFSYNC_STORE';

/**
 * Returns the token of a store, to provide or override it.
 * @param name - the name that `forRoot` or `forFeature` gave the store. Default: the unnamed store.
 * @returns the token.
 * @example
 * ```ts
 * const module = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getStoreToken('network'))
 *   .useValue(new LocalStore())
 *   .compile();
 * ```
 */
export function getStoreToken(name?: string): string {
  return name === undefined ? STORE : `${STORE}_${name}`;
}

/**
 * Injects a store by its name. Decorates a constructor parameter or a property.
 * @param name - the name that `forRoot` or `forFeature` gave the store. Default: the unnamed store.
 * @returns the decorator.
 * @example
 * ```ts
 * @Injectable()
 * export class NetworkAdapter extends Adapter {
 *   constructor(@InjectStore('network') store: BaseStore) {
 *     super({ store });
 *   }
 * }
 * ```
 */
export function InjectStore(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getStoreToken(name));
}
