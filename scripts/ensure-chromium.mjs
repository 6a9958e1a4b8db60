// Runs before the tests, which look at the board in a browser.
import { CHROMIUM } from './chromium.mjs';
import { ensureInstalled } from './ensure-installed.mjs';

ensureInstalled({
  script: 'ensure-chromium',
  commands: CHROMIUM,
  debian: 'chromium',
  seconds: 600,
  why:
    'there is no Chromium on PATH, and the tests of the board look at it in one. Install "chromium" (Debian: apt-get install ' +
    'chromium; elsewhere Chromium or Chrome, with chromium, chromium-browser or google-chrome on PATH)',
});
