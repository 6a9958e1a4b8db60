import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { DeletesLastDiff } from './deletes-last.diff.js';
import { FileAdapter } from './file.adapter.js';
import { RemoteAdapter } from './remote.adapter.js';
import { RemoteModule } from './remote/remote.module.js';

// The remote system: an application of its own, which is only reached by HTTP.
const remoteSystem = await NestFactory.create(RemoteModule, { logger: ['warn', 'error'], abortOnError: false });
await remoteSystem.listen(0, '127.0.0.1');

const url = await remoteSystem.getUrl();
const app = await NestFactory.createApplicationContext(AppModule.forUrl(url), {
  logger: ['warn', 'error'],
  abortOnError: false,
});
try {
  const [file, remote] = [app.get(FileAdapter), app.get(RemoteAdapter)];
  await Promise.all([file.load(), remote.load()]);
  const diff = await remote.diffFrom(file, { diffClass: DeletesLastDiff });
  console.log(diff.toString());
  await remote.syncFrom(file, { diff });

  // What the hooks have sent is there: the system, asked again, has nothing that differs.
  await remote.reload();
  console.log(`then: ${(await remote.diffFrom(file)).toString()}`);
} finally {
  await app.close();
  await remoteSystem.close();
}
