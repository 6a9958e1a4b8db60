// The code of an example, below its README.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative, sep } from 'node:path';
import { anchorOf } from './site-links.mjs';

const LANGUAGES = { '.ts': 'ts', '.json': 'json', '.env': 'ini' };

/** A plugin of Vite, before that of VitePress: adds each file of an example as a section of its own. */
export function exampleSources(repository) {
  return {
    name: 'example-sources',
    enforce: 'pre',
    transform(page, id) {
      const path = relative(repository, id).split(sep);
      if (path.length !== 3 || path[0] !== 'examples' || path[2] !== 'README.md') return undefined;
      return [page, ...sectionsOf(dirname(id))].join('\n');
    },
  };
}

function sectionsOf(example) {
  const files = readdirSync(join(example, 'src'), { recursive: true }).map((name) => join('src', name));
  return files.toSorted().flatMap((file) => {
    const language = LANGUAGES[extname(file)];
    if (language === undefined) return [];
    const name = file.split(sep).join('/');
    const code = readFileSync(join(example, file), 'utf8');
    return [`## ${name} {#${anchorOf(name)}}\n`, `\`\`\`\`${language}`, code + '````\n'];
  });
}
