/** The sources as JavaScript, for processes of a test's own that must start quickly and often. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transformFileSync, type Options } from '@swc/core';

/** As Nest needs it: decorators, and the types of constructors' parameters. */
export const SWC: Options = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'es6' },
};

export interface Compiled {
  /** The JavaScript of one of the files. */
  pathOf(source: string): string;
  remove(): void;
}

/** `src`, and the test files named, from the root of the repository. */
export function compile(files: readonly string[]): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-diffsync-compiled-'));
  const sources = readdirSync('src', { recursive: true }).map((name) => join('src', String(name)));
  for (const source of [...sources, ...files]) {
    const target = join(folder, source);
    mkdirSync(dirname(target), { recursive: true });
    if (!source.endsWith('.ts')) continue;
    const { code } = transformFileSync(source, SWC);
    writeFileSync(target.replace(/\.ts$/, '.js'), code);
  }
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  // The page of the board is no JavaScript of the sources: it is where the build has put it.
  symlinkSync(join(process.cwd(), 'dist'), join(folder, 'dist'));
  // The doors of the package are those of the sources, for files that import it by its name.
  writeFileSync(join(folder, 'package.json'), readFileSync('package.json', 'utf8').replaceAll('./dist/', './src/'));
  return {
    pathOf: (source) => join(folder, source.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
