import { readFileSync, writeFileSync } from 'node:fs';
import { time } from '../measure.mjs';

/**
 * Measures `work`: milliseconds; those of the CPU for this process, which other work on the machine disturbs less; bytes that the server
 * sent meanwhile; and peak memory above what the process held before.
 */
export async function meter(admin, work) {
  // The question itself is answered with some.
  const [first, before] = [await bytesOut(admin), await bytesOut(admin)];
  let [watch, cpu] = [];
  const { ms, value } = await time(async () => {
    watch = watchPeak();
    const begin = process.cpuUsage();
    const result = await work();
    cpu = process.cpuUsage(begin);
    return result;
  }, 'all');
  const cpuMs = (cpu.user + cpu.system) / 1000;
  const bytes = (await bytesOut(admin)) - before - (before - first);
  return { ms, cpuMs, value, peakMiB: watch(), bytes };
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
