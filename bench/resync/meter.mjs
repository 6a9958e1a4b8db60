import { readFileSync, writeFileSync } from 'node:fs';
import { time } from '../measure.mjs';

/** Measures `work`: milliseconds, bytes that the server sent meanwhile, and peak memory above what the process held before. */
export async function meter(admin, work) {
  const before = await bytesOut(admin);
  let watch;
  const { ms, value } = await time(() => {
    watch = watchPeak();
    return work();
  }, 'all');
  const peakMiB = watch();
  return { ms, value, peakMiB, bytes: (await bytesOut(admin)) - before };
}

async function bytesOut(admin) {
  return Number(/^total_net_output_bytes:(\d+)/m.exec(await admin.info('stats'))[1]);
}

export async function usedMemory(admin) {
  return Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))[1]);
}

/** On Linux the high-water mark begins anew; elsewhere what came before counts too, so that a peak may be missed. */
function watchPeak() {
  const before = process.memoryUsage.rss();
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
  return () => Math.max(0, peakBytes() - before) / 2 ** 20;
}

function peakBytes() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
}
