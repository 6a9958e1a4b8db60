// The rules for alerts in docs/operations.md name metrics and labels that Prometheus gets, and no others.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { SyncRefused, SyncRunner } from '../../src/index.js';
import { DiffSyncTelemetry } from '../../src/otel/index.js';
import { fill, Hooks, Inventory, Site, watched } from '../fixtures/inventory.js';

const page = readFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), 'docs/operations.md'), 'utf8');
const [, shown = ''] = /<!-- scrape: .*?```text\n(.*?)```/s.exec(page) ?? [];
const [, rules = ''] = /```yaml\n(groups:.*?)```/s.exec(page) ?? [];

/** Makes runs of which one succeeds, one fails and one is refused. @returns what Prometheus gets. */
async function scrape(): Promise<string> {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const telemetry = new DiffSyncTelemetry({ meterProvider: new MeterProvider({ readers: [reader] }) });
  telemetry.enable();
  const hooks = new Hooks();
  const target = watched(hooks);
  const source = new Inventory({ name: 'source' });
  const runner = new SyncRunner();
  await source.load();
  const given = { source, target, load: 'none' } as const;
  await source.addMany(Array.from({ length: 30 }, (_, at) => new Site({ name: `s${at}` })));
  await runner.run(given);
  await fill(source, { nyc: {} });
  hooks.failures.set('create site nyc', new Error('no power'));
  await expect(runner.run(given)).rejects.toThrow();
  await source.store.clear();
  await expect(runner.run(given)).rejects.toThrow(SyncRefused);
  telemetry.disable();
  const { resourceMetrics } = await reader.collect();
  return new PrometheusSerializer().serialize(resourceMetrics);
}

const metricsOf = (text: string): Set<string> =>
  new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'target_info'));

describe('docs/operations.md', () => {
  it('shows the metrics that there are', async () => {
    expect(metricsOf(shown)).toEqual(metricsOf(await scrape()));
  });

  it('has alert rules on metrics, labels and values that there are', async () => {
    const text = await scrape();
    const expressions = rules.replaceAll(/annotations:.*/g, '');
    const named = [...expressions.matchAll(/\b(?:db|diffsync|server|error)_\w+/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(15);
    for (const name of named) expect([name, new RegExp(`\\b${name}\\b`).test(`${text}${shown}`)]).toEqual([name, true]);
    const labels = [...rules.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    for (const label of labels) expect([label, `${text}${shown}`.includes(`${label}="`)]).toEqual([label, true]);
    for (const [, label = '', value = ''] of expressions.matchAll(/(\w+)="([^"]+)"/g)) {
      const isThere = text.includes(`${label}="${value}"`);
      expect([label, value, isThere]).toEqual([label, value, true]);
    }
  });
});
