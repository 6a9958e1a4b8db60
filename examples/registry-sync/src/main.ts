import { ShutdownSignal, type LogLevel } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { readCommand, UsageError, USAGE, type Command } from './command-line.js';
import { errorText } from './error-text.js';
import { ProgressBars } from './progress-bars.js';
import { toJsonLine, toText } from './run-report.js';
import { StderrLogger } from './stderr.logger.js';
import { SyncJob } from './sync.job.js';

const HOST = '127.0.0.1';
const QUIET: LogLevel[] = ['warn', 'error', 'fatal'];

try {
  await perform(readCommand(process.argv.slice(2)));
} catch (error) {
  const usage = error instanceof UsageError;
  console.error(usage ? `Error: ${error.message}\n\n${USAGE}` : errorText(error));
  process.exitCode = usage ? 2 : 1;
}

async function perform(command: Command): Promise<void> {
  if (command === 'help') console.log(USAGE);
  else if (command === 'serve') await serve();
  else await run(command);
}

/** Does the job once, and ends. */
async function run(output: 'run' | 'json'): Promise<void> {
  const { AppModule } = await import('./app.module.js');
  await ConfigModule.envVariablesLoaded;
  const app = await NestFactory.createApplicationContext(AppModule, { logger: logger(QUIET), abortOnError: false });
  const bars = new ProgressBars();
  try {
    const result = await app.get(SyncJob).run(output === 'json' ? () => undefined : bars.report);
    console.log(output === 'json' ? toJsonLine(result) : toText(result));
  } finally {
    bars.stop();
    await app.close();
  }
}

/** Settles when the application listens; it ends with the signal. */
async function serve(): Promise<void> {
  const [{ BOARD_PATH, ServerModule }, { serveOpenApi }] = await Promise.all([
    import('./server.module.js'),
    import('./open-api.js'),
  ]);
  await ConfigModule.envVariablesLoaded;
  const port = readPort();
  requireToken();
  const app = await NestFactory.create(ServerModule, {
    logger: logger(['log', ...QUIET]),
    abortOnError: false,
    forceCloseConnections: true,
  });
  serveOpenApi(app);
  app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
  try {
    await app.listen(port, HOST);
  } catch (error) {
    await app.close();
    throw error;
  }
  const url = await app.getUrl();
  console.log(`Listening on ${url}\nThe board is at ${url}/${BOARD_PATH}`);
}

/** A verbosity that asks for more than warnings gets Nest's own lines too. */
function logger(levels: LogLevel[]): StderrLogger {
  const verbose = ['1', '2'].includes(process.env['DIFFSYNC_STORE_VERBOSITY'] ?? '');
  return new StderrLogger(verbose ? ['debug', 'log', ...QUIET] : levels);
}

/** There is no token that everybody knows. */
function requireToken(): void {
  if ((process.env['API_TOKEN'] ?? '') === '')
    throw new UsageError('API_TOKEN is not set: choose a token for those who use it');
}

function readPort(): number {
  const text = process.env['PORT'] ?? '3000';
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new UsageError(`PORT is "${text}", which is no port number`);
  return port;
}
