/** The store's options from the environment, by @nestjs/config: `DIFFSYNC_STORE_ENGINE=local node configured.js`. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { diffSyncStoreConfig, DiffSyncStoreModule, STORE, type BaseStore } from 'nestjs-diffsync';

@Module({
  imports: [ConfigModule.forRoot(), DiffSyncStoreModule.forRootAsync(diffSyncStoreConfig.asProvider())],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  console.log(`from the environment: ${app.get<BaseStore>(STORE).engine}`);
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
