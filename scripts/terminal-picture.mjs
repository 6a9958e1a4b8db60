// Runs the example of `npm start` and draws what it prints: `npm run docs:terminal` writes docs/pictures/registry-sync.svg.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const PICTURE = fileURLToPath(new URL('../docs/pictures/registry-sync.svg', import.meta.url));
const MAIN = fileURLToPath(new URL('../examples/registry-sync/dist/main.js', import.meta.url));
const COLUMNS = 100;
/** Pixels: a column of the monospaced fonts at this size is 0.6 of it, and the table's lines must meet. */
const FONT = 13;
const LINE = 16;
const MARGIN = 16;
const BAR = 28;

/** @returns an SVG of a terminal in which a command has printed this. */
export function drawTerminal(command, text) {
  const lines = [`$ ${command}`, ...text.trimEnd().split('\n')].map((line) =>
    line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line,
  );
  const width = Math.ceil(COLUMNS * FONT * 0.6) + 2 * MARGIN;
  const height = BAR + lines.length * LINE + 2 * MARGIN;
  const rows = lines.map((line, at) => {
    const y = BAR + MARGIN + (at + 0.75) * LINE;
    // The length keeps columns below each other whatever font the reader has.
    const length = (line.length * FONT * 0.6).toFixed(1);
    const fit = line === '' ? '' : ` textLength="${length}" lengthAdjust="spacingAndGlyphs"`;
    return `<text x="${MARGIN}" y="${y}"${fit} xml:space="preserve">${escape(line)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="What ${escape(command)} prints">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#1b1f24"/>`,
    ...[0, 1, 2].map((at) => `<circle cx="${MARGIN + 4 + at * 18}" cy="${BAR / 2 + 2}" r="5" fill="#57606a"/>`),
    `<g fill="#e6edf3" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${FONT}">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Not in the project's folder, whose `.env` would count.
  const text = execFileSync(process.execPath, [MAIN], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', DIFFSYNC_STORE_SLOW_OPERATION_MS: '0' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  mkdirSync(fileURLToPath(new URL('.', `file://${PICTURE}`)), { recursive: true });
  writeFileSync(PICTURE, drawTerminal('npm start', text));
}
