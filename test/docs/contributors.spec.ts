// What contributors are given: the workflow calls what `package.json` has, and a release keeps the form of CHANGELOG.md.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { released } from '../../scripts/release-changelog.mjs';

const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string): string => readFileSync(pathOf(path), 'utf8');
const manifest = JSON.parse(read('package.json')) as { scripts: Record<string, string>; engines: { node: string } };

describe('the workflow', () => {
  const workflow = read('.github/workflows/test.yml');
  const commands = [...workflow.matchAll(/- run: (.*?)(?: #.*)?$/gm)].map(([, command = '']) => command);

  it('runs npm ci and scripts of package.json, nothing else', () => {
    expect(commands).toContain('npm test');
    for (const command of commands) {
      const [, script] = /^npm (?:run )?([\w:]+)/.exec(command) ?? [];
      expect([command, script === 'ci' || (script ?? '') in manifest.scripts]).toEqual([command, true]);
    }
  });

  it('has each major version of Node that the package takes', () => {
    const [, matrix = ''] = /node: \[(.*)\]/.exec(workflow) ?? [];
    const majors = [...manifest.engines.node.matchAll(/(\d+)\.\d+\.\d+/g)].map(([, major = '']) => major);
    expect(matrix.split(', ')).toEqual(majors);
  });

  it('has the servers of scripts/other-servers.mjs, and the one of Debian', () => {
    const [, matrix = ''] = /server: \[(.*)\]/.exec(workflow) ?? [];
    const others = [...read('scripts/other-servers.mjs').matchAll(/name: '(.*)'/g)].map(([, name = '']) => name);
    expect(matrix.split(', ').filter((name) => name !== 'redis-7.0.15')).toEqual(others);
  });

  it('names actions by the hash of a commit', () => {
    const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });
});

it('files that the templates name are there', () => {
  for (const template of ['.github/PULL_REQUEST_TEMPLATE.md', '.github/ISSUE_TEMPLATE/bug.yml']) {
    for (const [, name = ''] of read(template).matchAll(/`?((?:docs\/)?[A-Za-z]+\.md)/g)) {
      expect([name, existsSync(pathOf(name))]).toEqual([name, true]);
    }
  }
});

describe('released()', () => {
  const changelog = '# Changelog\n\n## Unreleased\n\n### Added\n\n- A store.\n\n## 0.1.0 - 2026-01-01\n\n- All.\n';

  it('gives what was not released a version and a date, and leaves room for what comes', () => {
    expect(released(changelog, '0.2.0', '2026-12-01')).toBe(
      changelog.replace('## Unreleased\n', '## Unreleased\n\n## 0.2.0 - 2026-12-01\n'),
    );
  });

  it('takes the changelog of the package', () => {
    expect(released(read('CHANGELOG.md'), '99.0.0', '2026-12-01')).toContain(
      '## Unreleased\n\n## 99.0.0 - 2026-12-01\n',
    );
  });

  it.each([
    ['without the heading', '# Changelog\n', 'no heading Unreleased'],
    ['without changes', '## Unreleased\n\n## 0.1.0 - 2026-01-01\n', 'nothing below Unreleased'],
    ['at its end', '## Unreleased\n', 'nothing below Unreleased'],
    ['with the version', changelog.replace('0.1.0', '0.2.0'), 'has version 0.2.0 already'],
  ])('refuses a changelog %s', (_, text, message) => {
    expect(() => released(text, '0.2.0', '2026-12-01')).toThrow(message);
  });
});
