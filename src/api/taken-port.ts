import { createServer } from 'node:net';
import { tcpListenError } from './listen-error.ts';

/**
 * Opens the port and closes it again. Throws {@link ListenError} where that fails: a daemon that cannot tell its state must
 * not have changed anything by the time it finds out.
 */
export function refuseTakenPort(address: { host: string; port: number }): Promise<void> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(tcpListenError(host, port, error)));
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}
