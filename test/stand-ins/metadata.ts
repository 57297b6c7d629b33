import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendJson } from './http.ts';

/** A metadata service of Linode on loopback: tokens by PUT, then the description of one machine. */
export interface RunningMetadata {
  readonly url: string;
  /** Every token handed out so far is refused from now on. */
  expireTokens(): void;
  close(): Promise<void>;
}

const INSTANCE = {
  id: 36_493_210,
  label: 'my-sandbox',
  region: 'us-ord',
  type: 'g2-gpu-rtx4000a1-s',
  specs: { vcpus: 4, memory: 16_384, disk: 524_288, transfer: 5000, gpus: 1 },
};
const NETWORK = {
  interfaces: [],
  ipv4: { public: ['198.51.100.17/24'], private: [], shared: [] },
  ipv6: { slaac: '2001:db8::17/128', link_local: 'fe80::1/128', ranges: [], shared_ranges: [] },
};

/** Starts it at a port; 0: any. */
export async function startMetadata(port = 0): Promise<RunningMetadata> {
  let tokens = new Set<string>();
  const server: Server = createServer((request, response) => {
    if (request.method === 'PUT' && request.url === '/v1/token') {
      const token = `token-${tokens.size}-${Math.random()}`;
      tokens.add(token);
      return sendJson(response, 200, [token]);
    }
    if (!tokens.has(String(request.headers['metadata-token']))) {
      return sendJson(response, 401, { errors: [{ reason: 'Invalid token' }] });
    }
    if (request.url === '/v1/instance') return sendJson(response, 200, INSTANCE);
    if (request.url === '/v1/network') return sendJson(response, 200, NETWORK);
    sendJson(response, 404, { errors: [{ reason: 'Not found' }] });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    expireTokens: () => {
      tokens = new Set();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
