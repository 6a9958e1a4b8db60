import type { Browser } from 'playwright-core';

/** The names that the command has. */
export const CHROMIUM: readonly string[];
/** Starts the browser of the tests, without a window, in a new and empty profile. */
export function startChromium(): Promise<Browser>;
