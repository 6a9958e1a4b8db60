import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import { ProgressLine } from '../../src/cli/progress-line.js';

function shown(isTTY: boolean, phase: 'load-source' | 'apply', total: number | undefined): string {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const progress = new ProgressLine(stderr);
  progress.clear();
  progress.show(phase, 1500, total);
  progress.clear();
  progress.clear();
  return String(stderr.read() ?? '');
}

it('is one line of the terminal, which it removes', () => {
  expect(shown(true, 'apply', 3000)).toBe(
    `\r\u001b[Kapply       [${'#'.repeat(15)}${'-'.repeat(15)}] 1,500 / 3,000\r\u001b[K`,
  );
  expect(shown(true, 'load-source', undefined)).toBe('\r\u001b[Kload-source 1,500\r\u001b[K');
});

it('is nothing where there is no terminal', () => {
  expect(shown(false, 'apply', 3000)).toBe('');
});
