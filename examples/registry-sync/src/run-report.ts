import Table from 'cli-table3';
import type { DiffElement } from 'nestjs-diffsync';
import type { RunResult } from './sync.job.js';

const WIDTH = 100;
const number = new Intl.NumberFormat('en');

/** For programs: one line. */
export function toJsonLine({ engine, source, target, diff, afterSync, health, seconds }: RunResult): string {
  return JSON.stringify({ engine, source, target, diff, afterSync, health, seconds });
}

/** For people. */
export function toText(result: RunResult): string {
  const { source, target, afterSync, health, seconds, found } = result;
  const { engine, status, responseTime, message } = health.store;
  const left = afterSync.create + afterSync.update + afterSync.delete;
  return [
    `${target} brought up to date with ${source}`,
    ...(found === 0 ? [] : [`It held ${number.format(found)} assignments of an earlier run`]),
    '',
    summaryTable(result),
    '',
    ...(result.examples.length === 0 ? ['Nothing to do'] : result.examples.flatMap(exampleLines)),
    '',
    `Second diff  ${left === 0 ? 'nothing left to do' : `${number.format(left)} differences left`}`,
    `Store        ${engine} is ${status} (${message ?? `${responseTime} ms`})`,
    `Seconds      load ${seconds.load}, diff ${seconds.diff}, sync ${seconds.sync}, whole program ${secondsSinceStart()}`,
    `Peak memory  ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
  ].join('\n');
}

function summaryTable({ diff, afterSync }: RunResult): string {
  const table = new Table({
    head: ['assignments', 'diff', 'after sync'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const action of ['create', 'update', 'delete', 'no-change'] as const) {
    table.push([action, number.format(diff[action]), number.format(afterSync[action])]);
  }
  return table.toString();
}

function exampleLines(element: DiffElement): string[] {
  const { '+': plus = {}, '-': minus = {} } = element.getAttrsDiffs();
  const title = `${element.action}  ${element.name}`;
  if (element.action !== 'update') {
    return [
      fit(
        `${title}  ${Object.values({ ...minus, ...plus })
          .map(oneLine)
          .join(', ')}`,
      ),
    ];
  }
  return [
    title,
    ...Object.keys(plus).flatMap((name) => [
      fit(`        - ${name}: ${oneLine(minus[name])}`),
      fit(`        + ${name}: ${oneLine(plus[name])}`),
    ]),
  ];
}

function oneLine(value: unknown): string {
  return String(value).replaceAll('\n', ', ');
}

function fit(line: string): string {
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`;
}

function secondsSinceStart(): number {
  return Math.round(performance.now()) / 1000;
}
