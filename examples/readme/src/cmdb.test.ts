import { expect, it } from '@jest/globals'; // or from 'vitest'
import { Test } from '@nestjs/testing';
import { LocalStore, STORE } from 'nestjs-diffsync';
import { CmdbAdapter, CmdbModule } from './cmdb.module.js';
import { Device } from './device.js';

it('keeps a device, without a Redis server', async () => {
  const app = await Test.createTestingModule({ imports: [CmdbModule] })
    .overrideProvider(STORE)
    .useValue(new LocalStore({ storeId: 'test' }))
    .compile();
  const cmdb = app.get(CmdbAdapter);
  await cmdb.add(new Device({ name: 'r1' }));
  expect((await cmdb.get(Device, 'r1')).role).toBe('leaf');
  await app.close();
});
