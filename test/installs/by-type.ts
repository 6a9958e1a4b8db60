/** Injection by the type of a parameter, which needs the compiler's metadata of decorators: tsc and SWC write it, esbuild does not. */
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BaseStore, DiffSyncStoreModule } from 'nestjs-diffsync';

@Injectable()
class Counter {
  constructor(readonly store: BaseStore) {}
}

@Module({ imports: [DiffSyncStoreModule.forRoot({ engine: 'local' })], providers: [Counter] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  console.log(
    `by type: ${app.get(Counter).store instanceof BaseStore}, ${await app.get(Counter).store.count()} objects`,
  );
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
