import { ModelDefinitionError } from '../../errors.js';
import type { Side } from '../side.js';

/** Sorts types so that each comes after those it depends on; otherwise the order stays. @throws ModelDefinitionError for a cycle. */
export function sortByDependency(types: readonly string[], { modelClasses }: Side): string[] {
  const ordered: string[] = [];
  const visit = (type: string, path: readonly string[]): void => {
    if (path.includes(type)) {
      throw new ModelDefinitionError(`dependsOn goes in a circle: ${[...path, type].join(' -> ')}`);
    }
    if (ordered.includes(type)) return;
    for (const other of modelClasses.get(type)?.definition.dependsOn ?? []) {
      if (types.includes(other)) visit(other, [...path, type]);
    }
    ordered.push(type);
  };
  for (const type of types) visit(type, []);
  // A type that is listed twice is compared twice, as in the reference, where that fails.
  return types.length === new Set(types).size ? ordered : [...types];
}
