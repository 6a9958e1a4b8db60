import { RedisStore } from 'nestjs-diffsync/redis';
import { contender } from '../contender.mjs';

export async function open(url) {
  return contender(await RedisStore.connect({ url, storeId: 'bench' }));
}
