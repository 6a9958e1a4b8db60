/** An HTTP service that answers as NetBox does: devices and interfaces, page by page, to who has the token. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

const DEVICES = 300;
const PORTS = ['eth0', 'eth1'];
export const TOKEN = 'example';

const devices = Array.from({ length: DEVICES }, (_, at) => ({
  id: at + 1,
  name: `sw-${String(at + 1).padStart(3, '0')}`,
  role: { slug: at % 10 === 0 ? 'spine' : 'leaf' },
}));
const interfaces = devices.flatMap((device) =>
  PORTS.map((name) => ({ id: device.id * PORTS.length, name, device: { name: device.name }, mtu: 9000 })),
);
const LISTS: Readonly<Record<string, readonly object[]>> = {
  '/api/dcim/devices/': devices,
  '/api/dcim/interfaces/': interfaces,
};

/** Starts the service on a free port. */
export async function startNetbox(): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const list = LISTS[url.pathname];
    if (request.headers.authorization !== `Token ${TOKEN}`) return response.writeHead(403).end();
    if (list === undefined) return response.writeHead(404).end();
    const [limit, offset] = ['limit', 'offset'].map((name) => Number(url.searchParams.get(name) ?? 0));
    const results = list.slice(offset, (offset ?? 0) + (limit ?? 0));
    return response.end(JSON.stringify({ count: list.length, results }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}
