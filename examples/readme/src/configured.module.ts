import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { diffSyncStoreConfig, DiffSyncStoreModule } from 'nestjs-diffsync';

@Module({
  imports: [
    ConfigModule.forRoot({ envFilePath: `.env.${process.env['NODE_ENV'] ?? 'development'}` }),
    DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider()),
  ],
})
export class ConfiguredModule {}
