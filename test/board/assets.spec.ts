// What the build makes of src/board/ui: small, whole, and without a word that a strict policy of its content refuses.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';

const folder = fileURLToPath(new URL('../../dist/board/assets', import.meta.url));
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
/** Gzipped, all files together: the promise of docs/board.md. */
const MOST_BYTES = 300 * 1024;

describe('the assets of the board', () => {
  const names = readdirSync(folder).toSorted();

  it('are four files, and at most 300 KiB gzipped', () => {
    expect(names).toEqual(['app.css', 'app.js', 'icon.svg', 'index.html']);
    const sizes = names.map((name) => gzipSync(readFileSync(join(folder, name))).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('name each other by relative addresses, and nothing elsewhere', () => {
    const addresses = [...read('index.html').matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
    expect(addresses.toSorted()).toEqual(['app.css', 'app.js', 'icon.svg']);
    expect(read('app.css')).not.toMatch(/url\(|@import/);
    // Namespaces of XML are names; Preact's errors have the address of a page about them.
    const elsewhere = read('app.js').match(/https?:\/\/[\w./-]+/g) ?? [];
    expect(elsewhere.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
  });

  it('have no inline script, style or handler', () => {
    const page = read('index.html');
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/);
    expect(page.match(/<script[^>]*>[^<]/g)).toBeNull();
  });

  it('keep the licence of what is bundled', () => {
    expect(read('app.js')).toMatch(/^\/\*! Contains Preact:[\s\S]*Permission is hereby granted/);
  });
});
