import Table from 'cli-table3';
import type { RunChange } from 'nestjs-diffsync';
import type { RunResult } from './sync.job.js';

const WIDTH = 100;
const number = new Intl.NumberFormat('en');

/** For programs: one line. */
export function toJsonLine({ engine, run, diff, afterSync, health, seconds }: RunResult): string {
  const { id, source, target } = run;
  return JSON.stringify({ engine, run: id, source, target, diff, afterSync, health, seconds });
}

/** For people. */
export function toText(result: RunResult): string {
  const { run, afterSync, health, seconds, found } = result;
  const { engine, status, responseTime, message } = health.store;
  const left = afterSync.create + afterSync.update + afterSync.delete;
  return [
    `${run.target} brought up to date with ${run.source}`,
    ...(found === 0 ? [] : [`It held ${number.format(found)} assignments of an earlier run`]),
    '',
    summaryTable(result),
    '',
    ...(result.examples.length === 0 ? ['Nothing to do'] : result.examples.flatMap(exampleLines)),
    '',
    `Run          ${run.id} ${run.outcome}`,
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

function exampleLines(change: RunChange): string[] {
  const { action, uid } = change;
  const [before, after] = [change.old ?? {}, change.new ?? {}];
  if (action !== 'update') {
    const values = Object.values({ ...before, ...after });
    return [fit(`${action}  ${uid}  ${values.map(oneLine).join(', ')}`)];
  }
  return [
    `${action}  ${uid}`,
    ...Object.keys(after).flatMap((name) => [
      fit(`        - ${name}: ${oneLine(before[name])}`),
      fit(`        + ${name}: ${oneLine(after[name])}`),
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
