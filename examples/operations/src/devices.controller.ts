import { Body, Controller, Get, NotFoundException, Param, Put } from '@nestjs/common';
import { BaseStore } from 'nestjs-diffsync';
import { z } from 'zod';
import { Device } from './device.js';

const Given = z.object({ role: z.string() });

/** What the application is for; it does not know where the devices are kept. */
@Controller('devices')
export class DevicesController {
  constructor(private readonly store: BaseStore) {}

  @Get(':name')
  async get(@Param('name') name: string): Promise<Device> {
    const [device] = await this.store.find({ model: Device, uids: [name] });
    if (device === undefined) throw new NotFoundException(`No device is called "${name}"`);
    return device;
  }

  @Put(':name')
  async put(@Param('name') name: string, @Body({ schema: Given }) { role }: z.infer<typeof Given>): Promise<Device> {
    const [device] = await this.store.updateOrInstantiate({ model: Device, ids: { name }, attrs: { role } });
    return device;
  }
}
