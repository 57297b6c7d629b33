import { createServer, connect as dial, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A port through which machines reach one server of this computer; it can be slowed down and shut. */
export interface Gate {
  readonly address: string;
  readonly port: number;
  /** Bytes a second towards the machines, all connections together; null: as fast as it goes. */
  setSpeed(bytesPerSecond: number | null): void;
  /** Shut: connections are refused and those that stand are cut. */
  setOpen(open: boolean): Promise<void>;
  close(): Promise<void>;
}

/** One tenth of a second's bytes are passed on at a time, so that the speed is even. */
const SLICES_PER_SECOND = 10;

/** Opens `address:port` and passes every connection on to 127.0.0.1:`target`. */
export async function openGate(address: string, port: number, target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let speed: number | null = null;
  /** Moment at which all bytes passed on so far are paid for, in milliseconds. */
  let paidUntil = 0;

  async function* slowed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; ) {
        const slice = speed === null ? chunk.length : Math.max(1, Math.floor(speed / SLICES_PER_SECOND));
        const part = chunk.subarray(at, at + slice);
        at += part.length;
        if (speed !== null) {
          paidUntil = Math.max(paidUntil, performance.now()) + (part.length / speed) * 1000;
          await sleep(Math.max(0, paidUntil - performance.now()));
        }
        yield part;
      }
    }
  }
  const server = createServer((machine) => {
    const upstream = dial(target, '127.0.0.1');
    for (const socket of [machine, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    // Not the other way round: what the server sent last may still be on its slow way.
    machine.once('close', () => upstream.destroy());
    machine.pipe(upstream);
    pipeline(upstream, slowed, machine).catch(() => undefined);
  });
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  const shut = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  await listen();
  return {
    address,
    port,
    setSpeed: (bytesPerSecond) => {
      speed = bytesPerSecond;
      paidUntil = 0;
    },
    setOpen: (open) => (open === server.listening ? Promise.resolve() : open ? listen() : shut()),
    close: shut,
  };
}
