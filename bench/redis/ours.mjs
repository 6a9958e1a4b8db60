import { entryPoint } from '../build.mjs';
import { contender } from '../contender.mjs';

const { RedisStore } = await entryPoint('./redis');

export async function open(url) {
  return contender(await RedisStore.connect({ url, storeId: 'bench' }));
}
