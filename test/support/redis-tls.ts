/** A real redis-server that speaks only TLS, with certificates made for it. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { launch, onFreePorts, type RedisServer } from './redis-server.js';

export interface TlsRedisServer extends RedisServer {
  /** PEM, for a client: what it must trust. */
  readonly ca: string;
  /** PEM, for a client: who it is, and the key to prove it. Asked for only with `clientCertificates`. */
  readonly cert: string;
  readonly key: string;
}

/** Resolves when the server answers. With `clientCertificates`, it refuses clients without one signed by `ca`. */
export async function startTlsRedis(
  options: { clientCertificates?: boolean; password?: string; args?: readonly string[] } = {},
): Promise<TlsRedisServer> {
  const { clientCertificates = false, password = '', args = [] } = options;
  const ca = await certificate(`CA ${randomUUID()}`);
  const [server, client] = await Promise.all([certificate('localhost', ca), certificate('client', ca)]);
  const files = { 'ca.pem': ca.cert, 'server.pem': server.cert, 'server.key': server.key };
  const settings = {
    'tls-ca-cert-file': 'ca.pem',
    'tls-cert-file': 'server.pem',
    'tls-key-file': 'server.key',
    'tls-auth-clients': clientCertificates ? 'yes' : 'no',
  };
  const tls = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const started = await onFreePorts(1, ([port = 0]) =>
    launch({
      port,
      password,
      scheme: 'rediss',
      args: [...tls, ...args, '--port', '0', '--tls-port', String(port)],
      prepare: (folder) => Object.entries(files).forEach(([name, text]) => writeFileSync(join(folder, name), text)),
    }),
  );
  return { ...started, ca: ca.cert, cert: client.cert, key: client.key };
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
