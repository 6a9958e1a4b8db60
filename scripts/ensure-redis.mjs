// Runs before the tests, which start their own redis-server.
import { ensureInstalled } from './ensure-installed.mjs';

ensureInstalled({
  script: 'ensure-redis',
  commands: ['redis-server'],
  debian: 'redis-server',
  seconds: 300,
  why:
    'there is no redis-server on PATH, and the tests start their own. Install "redis-server" (Debian and Ubuntu: apt-get install ' +
    'redis-server; macOS: brew install redis)',
});
