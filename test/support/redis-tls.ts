/** A real redis-server that speaks only TLS, with certificates made for it. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { launch, onFreePorts, type RedisServer } from './redis-server.js';

/** Certificates, PEM: for a client, what it must trust, who it is, and the key to prove it. */
interface TlsClient {
  readonly ca: string;
  /** Asked for only with `clientCertificates`. */
  readonly cert: string;
  readonly key: string;
}

export interface TlsRedisServer extends RedisServer, TlsClient {}

/** What a server needs that speaks TLS, and its clients. */
export interface TlsFiles extends TlsClient {
  /** Of redis-server. */
  readonly args: readonly string[];
  /** Writes what they name. */
  prepare(folder: string): void;
}

/** Resolves when the server answers. With `clientCertificates`, it refuses clients without one signed by `ca`. */
export async function startTlsRedis(
  options: { clientCertificates?: boolean; password?: string; args?: readonly string[] } = {},
): Promise<TlsRedisServer> {
  const { clientCertificates = false, password = '', args = [] } = options;
  const files = await tlsFiles({ clientCertificates });
  const { ca, cert, key, prepare } = files;
  const started = await onFreePorts(1, ([port = 0]) =>
    launch({
      port,
      password,
      scheme: 'rediss',
      args: [...files.args, ...args, '--port', '0', '--tls-port', String(port)],
      prepare,
    }),
  );
  return { ...started, ca, cert, key };
}

export async function tlsFiles({ clientCertificates = false } = {}): Promise<TlsFiles> {
  const ca = await certificate(`CA ${randomUUID()}`);
  const [server, client] = await Promise.all([certificate('localhost', ca), certificate('client', ca)]);
  const files = { 'ca.pem': ca.cert, 'server.pem': server.cert, 'server.key': server.key };
  const settings = {
    'tls-ca-cert-file': 'ca.pem',
    'tls-cert-file': 'server.pem',
    'tls-key-file': 'server.key',
    'tls-auth-clients': clientCertificates ? 'yes' : 'no',
  };
  return {
    ca: ca.cert,
    cert: client.cert,
    key: client.key,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    prepare: (folder) => Object.entries(files).forEach(([name, text]) => writeFileSync(join(folder, name), text)),
  };
}

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Signed by `ca`; without it, one that signs others. */
async function certificate(commonName: string, ca?: Certificate): Promise<Certificate> {
  const authority = [
    { name: 'basicConstraints' as const, cA: true, critical: true },
    { name: 'keyUsage' as const, keyCertSign: true, critical: true },
  ];
  const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(ca === undefined ? { extensions: authority } : { ca: { ...ca } }),
  });
  return { cert, key };
}
