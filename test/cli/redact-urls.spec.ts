import { expect, it } from '@jest/globals';
import { redactUrls } from '../../src/cli/redact-urls.js';

it.each([
  ['redis://:p@ss\'w/"?#@host:1 and rediss://u@h', 'redis://host:1 and rediss://h'],
  ['connect postgres+ssl://u:p@db/x: refused', 'connect postgres+ssl://db/x: refused'],
  ['r1 at redis://host, mail@example.org', 'r1 at redis://host, mail@example.org'],
])('%s', (text, redacted) => {
  expect(redactUrls(text)).toBe(redacted);
});
