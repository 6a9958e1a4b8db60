import type { Redis } from 'ioredis';

/** Commands that the server got from clients while `work` ran; a transaction is one. Those inside scripts do not count. */
export async function sentCommands(redis: Redis, work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const monitor = await redis.monitor();
  monitor.on('monitor', (_time: string, [name = '']: string[], source: string) => {
    if (source !== 'lua') seen.push(name.toLowerCase());
  });
  await work();
  await redis.echo('end');
  while (!seen.includes('echo')) await new Promise((resolve) => monitor.once('monitor', resolve));
  monitor.disconnect();
  const inTransaction = (at: number): boolean => seen.lastIndexOf('multi', at) > seen.lastIndexOf('exec', at - 1);
  return seen.filter((name, at) => name !== 'echo' && (name === 'exec' || !inTransaction(at)));
}
