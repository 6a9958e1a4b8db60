// Links of pages as they are on GitHub, turned into those of the site.

/** A plugin of markdown-it: a README is the index of its folder, and what is in an example is on the page of that example. */
export function siteLinks(markdown) {
  const open = markdown.renderer.rules.link_open;
  markdown.renderer.rules.link_open = (tokens, at, options, env, self) => {
    const link = tokens[at];
    link.attrSet('href', siteLink(link.attrGet('href') ?? ''));
    return open(tokens, at, options, env, self);
  };
}

/** @returns the link of the site for a link of a page; others, to other sites for example, are as they were. */
export function siteLink(href) {
  const [, example, file] = /^((?:\.\.\/)+examples\/[\w-]+)(?:\/(src[^#]*))?$/.exec(href) ?? [];
  if (example === undefined) return href.replace(/^((?:[\w.-]+\/)*)README\.md(?=$|#)/, '$1index.md');
  const anchor = file?.includes('.') ? `#${anchorOf(file)}` : '';
  return `${example}/index.md${anchor}`;
}

/** @returns the anchor of a file on the page of its example. */
export function anchorOf(file) {
  return file.replaceAll(/[/.]/g, '-');
}
