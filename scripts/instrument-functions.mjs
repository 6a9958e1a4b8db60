// Module hooks for reading-distance.mjs: each function of the build under `root` reports when it is entered.
import { relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

let root;
let prefix;

export function initialize(data) {
  root = data.root;
  prefix = pathToFileURL(`${root}/dist/`).href;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.startsWith(prefix) || loaded.format !== 'module') return loaded;
  return { ...loaded, source: instrument(relative(`${root}/dist`, fileURLToPath(url)), String(loaded.source)) };
}

/** Inserts a call at the beginning of every function's body; an expression as body becomes a comma expression. */
function instrument(file, code) {
  const insertions = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const call = `globalThis.__entered(${JSON.stringify(file)}, ${JSON.stringify(nameOf(node))})`;
      if (ts.isBlock(node.body)) insertions.push([node.body.getStart() + 1, `${call};`]);
      else insertions.push([node.body.getStart(), `(${call}, `], [node.body.getEnd(), ')']);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true));
  let instrumented = code;
  // From the end, so that the offsets before stay right; of two at one offset, the inner function's stands inside.
  for (const [offset, text] of insertions.toReversed().toSorted((a, b) => b[0] - a[0])) {
    instrumented = instrumented.slice(0, offset) + text + instrumented.slice(offset);
  }
  return instrumented;
}

function nameOf(node) {
  if (ts.isConstructorDeclaration(node)) return `new ${node.parent.name?.text ?? ''}`;
  const named = node.name ?? node.parent.name;
  return named === undefined ? '(anonymous)' : named.getText();
}
