import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { ValueError } from '../index.js';

/** One file of the page. */
export interface Asset {
  readonly type: string;
  readonly text: string;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** The build writes the page beside this file; where the sources run as they are, in tests, beside the file that was built. */
const FOLDERS = ['./assets/', '../../dist/board/assets/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The files of the page, all of them in memory: what a request names is looked up there, and never on the disk. */
@Injectable()
export class BoardAssets {
  private readonly files = readAssets();

  get(name: string): Asset | undefined {
    return this.files.get(name);
  }
}

function readAssets(): ReadonlyMap<string, Asset> {
  const folder = FOLDERS.find((each) => existsSync(join(each, 'index.html')));
  if (folder === undefined) {
    throw new ValueError(
      `The page of the board is not at ${String(FOLDERS[0])}: a bundler that takes in nestjs-diffsync/board leaves its files behind; ` +
        `declare the package as external`,
    );
  }
  const names = readdirSync(folder).filter((name) => extname(name) in TYPES);
  return new Map(names.map((name) => [name, assetOf(readFileSync(join(folder, name), 'utf8'), extname(name))]));
}

function assetOf(text: string, ending: string): Asset {
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  return { type: TYPES[ending] ?? '', text, etag };
}
