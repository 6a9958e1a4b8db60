import type { ProgressCallback } from 'nestjs-diffsync';

/** @returns a callback that prints a line for each tenth of the work, however often it is called. */
export function progressPrinter(print: (line: string) => void): ProgressCallback {
  let printed = '';
  return (stage, current, total) => {
    const tenths = Math.floor((10 * current) / total);
    const line = `${stage} ${'#'.repeat(tenths).padEnd(10, '.')} ${10 * tenths} %`;
    if (line !== printed) print(`${line}, ${current} of ${total}`);
    printed = line;
  };
}
