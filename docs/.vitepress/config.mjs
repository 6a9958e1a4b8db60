// The pages of the repository as a site: `npm run docs:build`, `npm run docs:dev`. Every page stays where it is and is readable on
// GitHub as it stands; here a README.md becomes the index of its folder, and the page of an example ends with its code.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withMermaid } from 'vitepress-plugin-mermaid';
import { exampleSources } from './example-sources.mjs';
import { siteLinks } from './site-links.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));

export default withMermaid({
  title: 'nestjs-diffsync',
  description: 'Stores as injectable NestJS services, and the whole of DiffSync on top of them.',
  srcDir: '..',
  srcExclude: ['bench/**', 'findings/**', 'src/**', 'test/**', 'docs/public/**'],
  rewrites: (page) => page.replace(/README\.md$/, 'index.md'),
  markdown: { config: (markdown) => markdown.use(siteLinks) },
  // Mermaid looks for elements of the class `mermaid` by itself, and would find one that is still empty.
  mermaidPlugin: { class: 'diagram' },
  vite: {
    publicDir: fileURLToPath(new URL('../public', import.meta.url)),
    plugins: [exampleSources(repository)],
    // Mermaid is one chunk, and loaded where a page has a diagram.
    build: { chunkSizeWarningLimit: 4000 },
  },
  themeConfig: {
    nav: [
      { text: 'Documentation', link: '/docs/' },
      { text: 'API', link: '/api/index.html', target: '_self' },
      { text: 'Changes', link: '/CHANGELOG' },
    ],
    sidebar: sidebarOf(readFileSync(new URL('../README.md', import.meta.url), 'utf8')),
    outline: [2, 3],
    search: { provider: 'local' },
  },
});

/** The groups of the index of all pages: a line that ends in a colon, and the links of the list below it. */
function sidebarOf(index) {
  const groups = [];
  for (const line of index.split('\n')) {
    const [, group] = /^([A-Z][^.]*):$/.exec(line) ?? [];
    if (group !== undefined) groups.push({ text: group, items: [] });
    const [, text, page] = /^- \[(.+?)\]\((.+?)\)/.exec(line) ?? [];
    if (page !== undefined) groups.at(-1)?.items.push({ text, link: new URL(page, 'file:///docs/').pathname });
  }
  return groups;
}
