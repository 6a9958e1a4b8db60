/** A test file with all that it imports as one file of JavaScript: a process starts with it in a third of the time. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { transformFile } from '@swc/core';
import { build, type Plugin } from 'esbuild';
import { SWC } from './compiled.js';

export interface Bundled {
  readonly path: string;
  remove(): void;
}

/** The doors of the package, as those of the sources. */
const DOORS = {
  'nestjs-diffsync': './src/index.ts',
  'nestjs-diffsync/redis': './src/store/redis/index.ts',
  'nestjs-diffsync/sqlite': './src/store/sqlite/index.ts',
  'nestjs-diffsync/bullmq': './src/bullmq/index.ts',
  'nestjs-diffsync/board': './src/board/index.ts',
};

/** Has a binary of its own, or is looked for by Nest and not installed. */
const EXTERNAL = [
  'better-sqlite3',
  '@nestjs/websockets',
  '@nestjs/microservices',
  'class-transformer',
  'class-validator',
  '@fastify/*',
  '@grpc/*',
  '@mikro-orm/core',
  '@nestjs/axios',
  '@nestjs/mongoose',
  '@nestjs/sequelize',
  '@nestjs/typeorm',
  '@prisma/client',
  'mongoose',
  'sequelize',
  'typeorm',
];

/** Nest reads the types of constructors' parameters, which esbuild leaves out. */
const swc: Plugin = {
  name: 'swc',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const { code } = await transformFile(path, SWC);
      return { contents: code, loader: 'js' };
    }),
};

/** @param file - from the root of the repository. */
export async function bundle(file: string): Promise<Bundled> {
  // Beside node_modules, where what is not in the file is found.
  mkdirSync('node_modules/.cache', { recursive: true });
  const folder = mkdtempSync(join('node_modules/.cache', 'bundled-'));
  const path = join(process.cwd(), folder, file.replace(/\.m?[jt]s$/, '.mjs'));
  await build({
    entryPoints: [file],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    alias: DOORS,
    external: EXTERNAL,
    plugins: [swc],
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
    },
    logLevel: 'error',
  });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
