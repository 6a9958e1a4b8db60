import { setImmediate } from 'node:timers';
import type { ModulesContainer } from '@nestjs/core';

/** So often it is looked whether a provider begins that has not begun yet, before the boot counts as over. */
const MAX_LOOKS = 20;

/**
 * Waits until all providers are there, or one has failed. Nest calls no hook of an application that does not start: this is
 * the one way to learn that, from the signals by which providers wait for each other.
 * @returns the error of a provider that failed; undefined once the boot is over.
 */
export function bootFailure(modules: ModulesContainer): Promise<unknown> {
  return new Promise((resolve) => {
    const seen = new Set<object>();
    let pending = 0;
    let looks = 0;
    const look = (): void => {
      let begun = true;
      for (const { providers, injectables, controllers } of modules.values()) {
        for (const wrapper of [...providers.values(), ...injectables.values(), ...controllers.values()]) {
          const { settlementSignal } = wrapper;
          begun &&= settlementSignal !== undefined;
          if (settlementSignal === undefined || seen.has(settlementSignal)) continue;
          seen.add(settlementSignal);
          pending++;
          void settlementSignal.asPromise().then((error: unknown) => {
            pending--;
            if (error !== undefined) resolve(error);
            else if (pending === 0) setImmediate(look);
          });
        }
      }
      if (pending > 0) return;
      if (begun || ++looks > MAX_LOOKS) resolve(undefined);
      else setImmediate(look);
    };
    look();
  });
}
