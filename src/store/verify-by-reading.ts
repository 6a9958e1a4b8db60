import { giveWay } from '../async/event-loop.js';
import { PAGE_SIZE, type StoreCore } from './store-core.js';
import { isDamage, StoreReporter, type StoreReport } from './verify-report.js';

/** Reads all records of a store and reports those that cannot be read. A model ends at the first failed page. */
export async function verifyByReading(
  { backend, objects }: StoreCore,
  signal: AbortSignal | undefined,
): Promise<StoreReport> {
  const reporter = new StoreReporter();
  for (const model of (await backend.countAllRecords(signal)).keys()) {
    try {
      for await (const page of backend.scanRecords(model, PAGE_SIZE, signal)) {
        await giveWay();
        signal?.throwIfAborted();
        for (const record of page) {
          const reason = objects.validateRecord(model, record);
          if (reason === undefined) reporter.objects++;
          else reporter.add({ kind: 'undecodable', model, uniqueId: record.uid, reason, repaired: false });
        }
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      const kind = error.code === 'STORE_CORRUPT' ? 'undecodable' : 'wrong-type';
      reporter.add({ kind, model, reason: error.message, repaired: false });
    }
  }
  return reporter.report();
}
