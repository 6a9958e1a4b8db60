import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { AdapterNotFound, ValueError } from '../errors.js';
import { Adapter } from './adapter.js';

/**
 * All adapters of an application, by name: the providers that Nest has made once, in any of its modules. The modules that name
 * adapters in texts, as the queue and the board do, look them up here. List it among the providers of a module to inject it.
 *
 * @example
 * ```ts
 * constructor(private readonly adapters: AdapterRegistry) {}
 *
 * names(): string[] {
 *   return this.adapters.list().map(({ name }) => name);
 * }
 * ```
 */
@Injectable()
export class AdapterRegistry {
  /** Private to inspection too: it is the whole application. */
  readonly #modules: ModulesContainer;

  /** @param modules - The modules of the application; Nest injects them. */
  constructor(modules: ModulesContainer) {
    this.#modules = modules;
  }

  /** @returns the adapters of the application, in the order of its modules. Those that Nest makes for each request are not among them. */
  list(): readonly Adapter[] {
    const found = new Set<Adapter>();
    for (const { providers } of this.#modules.values()) {
      for (const provider of providers.values()) {
        if (!provider.isDependencyTreeStatic()) continue;
        const { instance } = provider as { readonly instance: unknown };
        if (instance instanceof Adapter) found.add(instance);
      }
    }
    return [...found];
  }

  /**
   * Returns an adapter by its name.
   * @param name - The adapter's `name`.
   * @returns The adapter.
   * @throws {AdapterNotFound} (ADAPTER_NOT_FOUND) if the application has none of this name.
   * @throws {ValueError} (VALUE_ERROR) if it has several.
   */
  getOrThrow(name: string): Adapter {
    const all = this.list();
    const [adapter, another] = all.filter((each) => each.name === name);
    if (another !== undefined) {
      throw new ValueError(
        `Several adapters of this application are called "${name}": give each of them a name of its own, by the option "name"`,
      );
    }
    if (adapter !== undefined) return adapter;
    const known = all.map((each) => each.name).join(', ') || 'none';
    throw new AdapterNotFound(
      `This application has no adapter "${name}"; it has: ${known}. Register it as a provider, under the name that it has elsewhere`,
    );
  }
}
