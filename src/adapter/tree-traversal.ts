import type { ModelClass } from '../model/model-class.js';

/** Model name -> the models below it. */
export interface Traversal {
  [model: string]: Traversal;
}

/** The models in this order, each with its children; a model's own children stand below its first place only. */
export function traversal(order: readonly string[], models: ReadonlyMap<string, ModelClass>): Traversal {
  const tree: Traversal = Object.create(null) as Traversal;
  for (const name of order) {
    const place = find(tree, name) ?? (tree[name] = Object.create(null) as Traversal);
    for (const child of Object.keys(models.get(name)?.getChildrenMapping() ?? {})) {
      place[child] ??= Object.create(null) as Traversal;
    }
  }
  return tree;
}

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
