// The last part of `npm run release:version`: after `changeset version` has raised the version, what stands below "Unreleased" in
// CHANGELOG.md is that version's, and the lock file has its number too.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HEADING = '## Unreleased\n';

/** @returns the changelog in which what was not released is this version's; refuses one without changes, and a version that it has. */
export function released(changelog, version, date) {
  const [before, after] = changelog.split(HEADING);
  if (after === undefined) throw new Error('CHANGELOG.md has no heading Unreleased');
  if (changelog.includes(`\n## ${version} `)) throw new Error(`CHANGELOG.md has version ${version} already`);
  if (/^\s*(?:## |$)/.test(after)) throw new Error('CHANGELOG.md has nothing below Unreleased');
  return `${before}${HEADING}\n## ${version} - ${date}\n${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pathOf = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const read = (name) => readFileSync(pathOf(name), 'utf8');
  const { version } = JSON.parse(read('package.json'));
  const lock = JSON.parse(read('package-lock.json'));
  const changelog = released(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10));
  writeFileSync(pathOf('CHANGELOG.md'), changelog);
  lock.version = lock.packages[''].version = version;
  writeFileSync(pathOf('package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
}
