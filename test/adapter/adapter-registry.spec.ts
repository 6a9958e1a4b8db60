import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Adapter, AdapterRegistry } from 'nestjs-diffsync';

@Injectable()
class Network extends Adapter {}

@Injectable({ scope: Scope.REQUEST })
class EachRequest extends Adapter {}

@Module({ providers: [Network, EachRequest], exports: [Network] })
class NetworkModule {}

async function registryOf(...names: string[]): Promise<AdapterRegistry> {
  const others = names.map((name) => ({ provide: Symbol(name), useFactory: () => new Network({ name }) }));
  const module = await Test.createTestingModule({
    imports: [NetworkModule],
    providers: [AdapterRegistry, { provide: 'ALIAS', useExisting: Network }, ...others],
  }).compile();
  return module.get(AdapterRegistry);
}

describe('the registry of adapters', () => {
  it('has each adapter of the application once, in whichever module it is', async () => {
    const registry = await registryOf('cmdb');

    expect(
      registry
        .list()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['Network', 'cmdb']);
    expect(registry.getOrThrow('cmdb').name).toBe('cmdb');
  });

  it('names those that there are where it is asked for another one', async () => {
    const registry = await registryOf('cmdb');

    expect(() => registry.getOrThrow('lab')).toThrow(
      expect.objectContaining({ code: 'ADAPTER_NOT_FOUND', message: expect.stringContaining('Network, cmdb') }),
    );
  });

  it('refuses a name that several have', async () => {
    const registry = await registryOf('cmdb', 'cmdb');

    expect(() => registry.getOrThrow('cmdb')).toThrow(expect.objectContaining({ code: 'VALUE_ERROR' }));
  });
});
