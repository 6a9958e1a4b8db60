/** One process of the benchmark of the queue: a whole run by `SyncRunner`, or a worker. It answers in plain values. */
import { once } from 'node:events';
import { entryPoint } from '../build.mjs';
import { peakRssMiB } from '../measure.mjs';
import { start } from './application.mjs';

const { SyncRunner } = await entryPoint('.');

const [order] = await once(process, 'message');
const app = await start(order);
const runner = app.get(SyncRunner);
if (order.onePart) {
  // It stops after its first part that applies; others do the rest.
  const perform = runner.performPart.bind(runner);
  runner.performPart = async (part, options) => {
    const result = await perform(part, options);
    if (part.step === 'sync') setImmediate(() => void end());
    return result;
  };
}
let ended;
process.send('ready');

for (;;) {
  const [message] = await once(process, 'message');
  if (message === 'end') break;
  const started = performance.now();
  await runner.run({ ...message, source: app.get('network'), target: app.get('cmdb') });
  process.send({ ms: performance.now() - started, rss: peakRssMiB() });
}
await end();

function end() {
  return (ended ??= (async () => {
    const rss = peakRssMiB();
    await app.close();
    process.send({ rss }, () => process.exit(0));
  })());
}
