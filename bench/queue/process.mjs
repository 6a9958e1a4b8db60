/** One process of the benchmark of the queue: a whole run by `SyncRunner`, a worker, or parts one by one. It answers in plain values. */
import { once } from 'node:events';
import { entryPoint } from '../build.mjs';
import { peakRssMiB } from '../measure.mjs';
import { start } from './application.mjs';

const { SyncRunner } = await entryPoint('.');

const [order] = await once(process, 'message');
const app = await start(order);
const runner = app.get(SyncRunner);
process.send('ready');

const sides = { source: app.get('network'), target: app.get('cmdb') };
for (;;) {
  const [message] = await once(process, 'message');
  if (message === 'end') break;
  const started = performance.now();
  const result = message.part
    ? await runner.performPart(message.part, sides)
    : await runner.run({ ...message.run, ...sides });
  process.send({ ms: performance.now() - started, rss: peakRssMiB(), ...(message.part ? { result } : {}) });
}
await app.close();
process.send({ rss: peakRssMiB() }, () => process.exit(0));
