import { Module } from '@nestjs/common';
import { RemoteController } from './remote.controller.js';

@Module({ controllers: [RemoteController] })
export class RemoteModule {}
