import type { Cluster, Redis } from 'ioredis';

/** Returns where a client that the user gave leads to. */
export function addressOf(client: Redis | Cluster): string {
  // A client has its address as it was made, before it knows the other nodes.
  if (client.isCluster) return `redis-cluster://${startupAddresses(client as Cluster).join(',')}`;
  const { host, port, path, db } = (client as Redis).options;
  return `redis://${path ?? `${host}:${port}`}/${db ?? 0}`;
}

/** The nodes that a cluster client was made with: numbers of ports, URLs, or options. No user name or password. */
function startupAddresses(client: Cluster): string[] {
  const { startupNodes = [] } = client as unknown as { startupNodes?: readonly unknown[] };
  return startupNodes.map((node) => {
    if (typeof node === 'string' && URL.canParse(node)) return new URL(node).host;
    const { host = '127.0.0.1', port = node } = (typeof node === 'object' ? node : {}) as {
      host?: string;
      port?: unknown;
    };
    return `${host}:${String(port)}`;
  });
}
