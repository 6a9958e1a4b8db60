/**
 * `node bench/chart.mjs FILE.json > chart.svg` draws how the time of a sync grows with what has changed, from the JSON of
 * `npm run bench -- resync --json FILE.json`. Both axes are logarithmic.
 */
import { readFileSync } from 'node:fs';

const WIDTH = 760;
const HEIGHT = 440;
const MARGIN = { left: 70, right: 230, top: 50, bottom: 50 };
const LINES = [
  { step: 'diff', build: 'ours', label: 'diff', color: '#0b6e4f' },
  { step: 'resync', build: 'ours', label: 'diff, sync, second diff', color: '#1d4e89' },
  { step: 'diff', build: 'beside', label: 'diff, in full', color: '#0b6e4f', dashed: true },
  { step: 'resync', build: 'beside', label: 'diff, sync, second diff, in full', color: '#1d4e89', dashed: true },
];

const { objects, rows, shares } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
process.stdout.write(draw(objects, shares, LINES.map(withPoints)));

function withPoints(line) {
  const points = rows
    .filter(({ shape, place, step }) => shape === 'flat' && place === 'redis' && step === line.step)
    .map(({ share, measures }) => ({ share, ms: measures.ms[line.build] }));
  return { ...line, points };
}

function draw(objectCount, ticks, lines) {
  const times = lines.flatMap(({ points }) => points.map(({ ms }) => ms));
  const decades = decadesOf(Math.min(...times), Math.max(...times));
  const x = scale([ticks[0], ticks.at(-1)], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scale([decades[0], decades.at(-1)], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const title = `${objectCount.toLocaleString('en')} + ${objectCount.toLocaleString('en')} objects in Redis: time by what has changed`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(MARGIN.left, MARGIN.top - 24, title, 'font-weight="bold"'),
    ...ticks.flatMap((share) => [
      rule(x(share), MARGIN.top, x(share), HEIGHT - MARGIN.bottom),
      text(x(share), HEIGHT - MARGIN.bottom + 20, `${100 * share} %`, 'text-anchor="middle"'),
    ]),
    ...decades.flatMap((ms) => [
      rule(MARGIN.left, y(ms), WIDTH - MARGIN.right, y(ms)),
      text(MARGIN.left - 8, y(ms) + 4, ms < 1000 ? `${ms} ms` : `${ms / 1000} s`, 'text-anchor="end"'),
    ]),
    ...lines.flatMap((line) => curve(line, x, y)),
    ...labels(lines, x, y),
    '</svg>',
    '',
  ].join('\n');
}

/** The powers of ten from below the least to above the most. */
function decadesOf(least, most) {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  return Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at));
}

function scale([low, high], [from, to]) {
  const span = Math.log(high) - Math.log(low);
  return (value) => Number((from + ((to - from) * (Math.log(value) - Math.log(low))) / span).toFixed(1));
}

function curve({ points, color, dashed }, x, y) {
  const path = points.map(({ share, ms }) => `${x(share)},${y(ms)}`).join(' ');
  return [
    `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"${dashed ? ' stroke-dasharray="6 4"' : ''}/>`,
    ...points.map(({ share, ms }) => `<circle cx="${x(share)}" cy="${y(ms)}" r="3" fill="${color}"/>`),
  ];
}

/** Beside the last point of each line, from top to bottom without overlap. */
function labels(lines, x, y) {
  const placed = lines.flatMap(({ points, label, color }) => {
    const last = points.at(-1);
    return last === undefined ? [] : [{ at: x(last.share) + 10, height: y(last.ms) + 4, label, color }];
  });
  let lowest = -Infinity;
  return placed
    .toSorted((a, b) => a.height - b.height)
    .map(({ at, height, label, color }) => {
      lowest = Math.max(height, lowest + 16);
      return text(at, lowest, label, `fill="${color}"`);
    });
}

function rule(x1, y1, x2, y2) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`;
}

function text(x, y, content, attributes) {
  return `<text x="${x}" y="${y}" ${attributes}>${content}</text>`;
}
