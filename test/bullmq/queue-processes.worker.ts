/** A worker process of the tests: it performs what is on the queue, and is killed, frozen or closed where it is told to. */
import { NestFactory } from '@nestjs/core';
import { content, Cmdb, during, inventory, Network, type Place } from './inventory.js';

export interface Order {
  readonly place: Place;
  readonly devices: number;
  /** Each hook waits so long: milliseconds. */
  readonly waits: number;
  /** The device in whose hook, or `load`, the process does so. */
  readonly at?: string;
  readonly does?: 'SIGKILL' | 'SIGSTOP' | 'tell';
  /** Whether it has no target, as one of another version. */
  readonly lacks?: boolean;
}

const tell = (message: unknown): Promise<void> =>
  new Promise((done) => process.send?.(message, undefined, {}, () => done()));

process.on('message', (message: Order | 'close') => void (message === 'close' ? close() : begin(message)));
let close = async (): Promise<void> => undefined;

async function begin({ place, devices, waits, at, does, lacks = false }: Order): Promise<void> {
  content.devices = devices;
  let did = false;
  const meet = async (name: string): Promise<void> => {
    if (waits > 0) await new Promise((resolve) => setTimeout(resolve, waits));
    if (name !== at || did || does === undefined) return;
    did = true;
    await tell(`at ${name}`);
    if (does !== 'tell') process.kill(process.pid, does);
  };
  during.create = async (name, idempotencyKey) => {
    await tell({ name, idempotencyKey });
    await meet(name);
  };
  during.load = () => meet('load');
  const app = await NestFactory.createApplicationContext(inventory(place, lacks ? [Network] : [Network, Cmdb]), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  close = async () => {
    await app.close();
    await tell('closed');
    process.disconnect();
  };
  await tell('ready');
}

void tell('here');
