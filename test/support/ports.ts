import { createServer } from 'node:net';

/** Below the ports that Linux gives to whoever asks for any (32768 and up): none of these is taken by chance. */
const FIRST_PORT = 20_000;
/** Test files that run at the same time choose from ranges of their own. */
const PORTS_PER_WORKER = 4_000;
const WORKERS = 3;

const worker = Number(process.env['VITEST_POOL_ID'] ?? '0') % WORKERS;
let next = Math.floor(Math.random() * PORTS_PER_WORKER);

/** A port of loopback that is free now; a process never gets the same one twice in a row of thousands. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS_PER_WORKER; tried += 1) {
    next = (next + 1) % PORTS_PER_WORKER;
    const port = FIRST_PORT + worker * PORTS_PER_WORKER + next;
    if (await isFree(port)) return port;
  }
  throw new Error('no port of loopback is free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
