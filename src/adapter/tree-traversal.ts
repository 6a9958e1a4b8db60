import type { ModelClass } from '../model/model-class.js';

/** A tree of models: model name -> the models below it. */
export interface Traversal {
  [model: string]: Traversal;
}

/** Returns the names of all models: the top-level ones first, the others by name. */
export function traversalOrder(topLevel: readonly string[], models: ReadonlyMap<string, ModelClass>): string[] {
  return [...new Set([...topLevel, ...[...models.keys()].toSorted()])];
}

/**
 * Returns the tree of the models: below each other as far as they can be reached, the others at the top. A model that occurs more
 * than once has its children at its first occurrence.
 */
export function traversal(topLevel: readonly string[], models: ReadonlyMap<string, ModelClass>): Traversal {
  const tree: Traversal = Object.create(null) as Traversal;
  const childrenOf = (name: string): string[] => Object.keys(models.get(name)?.getChildrenMapping() ?? {});
  const left = new Set(traversalOrder(topLevel, models));
  const place = (name: string): void => {
    left.delete(name);
    const below = find(tree, name) ?? (tree[name] = Object.create(null) as Traversal);
    for (const child of childrenOf(name)) below[child] ??= Object.create(null) as Traversal;
  };
  for (const name of topLevel) place(name);
  while (left.size > 0) {
    const names = [...left];
    const nested = new Set(names.flatMap((name) => childrenOf(name).filter((child) => child !== name)));
    // A model that is not reached yet is placed once its parents are, unless the parents are each other's children.
    place(
      names.find((name) => find(tree, name) !== undefined) ?? names.find((name) => !nested.has(name)) ?? names[0] ?? '',
    );
  }
  return tree;
}

/** Draws a tree of models. */
export function traversalText(root: string, tree: Traversal): string {
  return [root, ...lines(tree, '')].join('\n');
}

function find(tree: Traversal, name: string): Traversal | undefined {
  for (const [key, below] of Object.entries(tree)) {
    const found = key === name ? below : find(below, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lines(tree: Traversal, margin: string): string[] {
  const names = Object.keys(tree);
  return names.flatMap((name, index) => {
    const last = index === names.length - 1;
    return [
      `${margin}${last ? '└── ' : '├── '}${name}`,
      ...lines(tree[name] as Traversal, `${margin}${last ? '    ' : '│   '}`),
    ];
  });
}
