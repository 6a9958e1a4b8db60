import { median, print, round } from '../measure.mjs';

const NAMES = {
  ms: 'time, ms',
  cpuMs: 'CPU of the process, ms',
  bytes: "server's bytes out",
  peakMiB: 'peak memory, MiB',
  bytesAnObject: 'bytes an object',
};
/** So much may be more, not so many times: what is said of a row that has a bound of this kind. */
const DIFFERENCES = new Set(['bytesAnObject']);

/** The figures of both builds, by row and measure, and how the comparisons were made. */
export class Results {
  #rows = new Map();

  /** @param subject `row`: its name; and what of the job it is about, for those who draw it. */
  add({ row, ...subject }, measure, build, value, bound) {
    let entry = this.#rows.get(row);
    if (entry === undefined) this.#rows.set(row, (entry = { row, ...subject, kinds: {}, measures: {} }));
    if (measure === 'kind') return void (entry.kinds[build] ??= new Set()).add(value);
    const figures = (entry.measures[measure] ??= { bound, samples: {} });
    (figures.samples[build] ??= []).push(value);
  }

  /** Each row with medians, ratios and bounds. */
  toJSON() {
    return [...this.#rows.values()].map(({ kinds, measures, ...row }) => ({
      ...row,
      kinds: Object.fromEntries(Object.entries(kinds).map(([build, found]) => [build, [...found].join('; ')])),
      measures: Object.fromEntries(Object.entries(measures).map(([name, figures]) => [name, summaryOf(name, figures)])),
    }));
  }
}

function summaryOf(name, { bound, samples }) {
  const [ours, beside] = [median(samples.ours), median(samples.beside)];
  const ratio = DIFFERENCES.has(name) ? ours - beside : ours / beside;
  return { ours, beside, ratio, bound, met: bound === undefined ? undefined : ratio <= bound, samples };
}

export function printTable(rows) {
  print(
    ['', 'measure', 'ours', 'beside', 'ratio', 'at most', '', 'ours was'],
    rows.flatMap(({ row, kinds, measures }) =>
      Object.entries(measures).map(([name, { ours, beside, ratio, bound, met }], at) => [
        at === 0 ? row : '',
        NAMES[name],
        digits(ours),
        digits(beside),
        ratioText(name, ratio),
        bound === undefined ? '' : ratioText(name, bound),
        met === undefined ? '' : met ? 'met' : 'MISSED',
        at === 0 ? (kinds.ours ?? '') : '',
      ]),
    ),
  );
}

/** How the time grows with what has changed, where all shares were measured. */
export function printGrowth(rows, shares) {
  const grown = rows.filter(({ shape, place }) => shape === 'flat' && place === 'redis');
  if (!grown.some(({ share }) => share === shares.at(-1))) return;
  const cell = (build) => (row) => (row === undefined ? '' : digits(row.measures.ms[build]));
  print(
    ['ms, by what has changed', ...shares.map((share) => `${100 * share} %`)],
    ['diff', 'resync'].flatMap((step) => {
      const found = shares.map((share) => grown.find((row) => row.step === step && row.share === share));
      return ['ours', 'beside'].map((build) => [`${step}: ${build}`, ...found.map(cell(build))]);
    }),
  );
}

function digits(value) {
  return round(value, value < 10 ? 2 : value < 1000 ? 1 : 0).toLocaleString('en');
}

function ratioText(name, ratio) {
  if (!Number.isFinite(ratio)) return '';
  if (DIFFERENCES.has(name)) return `${ratio < 0 ? '' : '+'}${round(ratio, 1)}`;
  return ratio > 0 && ratio < 0.5 ? `1/${round(1 / ratio, 1)}` : `${round(ratio, 2)}`;
}
