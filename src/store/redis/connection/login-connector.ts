import { createConnection, Socket } from 'node:net';
import { connect as connectByTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import { ClientLogin, type Credentials } from './credentials.js';
import { ioredis } from './driver.js';

/** What is used of the options of a client. */
interface ClientOptions {
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: ConnectionOptions;
  readonly disconnectTimeout: number;
  readonly retryStrategy?: unknown;
}

/** Opens a connection to a server. */
export function openSocket(
  address: { readonly path: string } | { readonly host?: string | undefined; readonly port: number },
  tls: ConnectionOptions | undefined,
): Socket | TLSSocket {
  return tls === undefined ? createConnection({ ...address }) : connectByTls({ ...address, ...tls });
}

/** @returns the class of a connector, as ioredis takes it, which asks for credentials before each connection. */
export function loginConnector(credentials: Credentials): NonNullable<RedisOptions['Connector']> {
  const { AbstractConnector } = ioredis();
  return class extends AbstractConnector {
    private readonly login: ClientLogin;
    private readonly options: ClientOptions;

    constructor(options: unknown) {
      super((options as ClientOptions).disconnectTimeout);
      this.options = options as ClientOptions;
      this.login = new ClientLogin(credentials, this.options);
    }

    override async connect(): Promise<Socket | TLSSocket> {
      this.connecting = true;
      const { path, host, port = 6379, tls, retryStrategy } = this.options;
      try {
        await this.login.renew();
      } catch (error) {
        // A client that tries again does so when a socket has failed. Any other one, of a cluster, ends with the reason.
        if (this.connecting && typeof retryStrategy !== 'function') throw error;
        if (this.connecting) {
          this.firstError = error as Error;
          return (this.stream = new Socket().destroy());
        }
      }
      if (!this.connecting) throw new Error('Connection is closed.');
      this.stream = openSocket(path ? { path } : { host, port }, tls);
      this.stream.once('error', (error: Error) => (this.firstError = error));
      return this.stream;
    }

    override disconnect(): void {
      this.login.cancel();
      super.disconnect();
    }
  };
}
