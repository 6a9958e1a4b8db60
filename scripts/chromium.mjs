// The browser of the tests and of the pictures in the documentation.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

/** The names that the command has. */
export const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'];

/** It asks nothing of the world: no updates, no experiments. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts it, without a window, in a new and empty profile. */
export async function startChromium() {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const executablePath = CHROMIUM.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );
  if (executablePath === undefined) {
    throw new Error(
      'There is no Chromium on PATH: node scripts/ensure-chromium.mjs installs it, or says what to install',
    );
  }
  return chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
}
