/**
 * An engine's API on a Unix socket, in a process of its own, that knows one container and writes its log at a wanted pace. As
 * dockerd does, each message is a frame of the stream and a chunk of the answer. Started with fork(): tells its socket, and
 * after each log how many lines it has written.
 *   node log-writer.ts LINES-PER-SECOND SECONDS      0 lines a second: as fast as they are taken
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { frameOf, LINES_PER_PERIOD, MESSAGES_PER_PERIOD } from '../../test/support/log-stream.ts';
import { type Answer, json, scriptedDocker } from '../../test/support/scripted-docker.ts';

/** Messages that are written again and again. */
export const MESSAGES = 10_000;
/** Share of a second's lines that come at once. */
const BATCHES_PER_SECOND = 50;
/** What is written at once where no pace is asked for. */
const BLOCK_BYTES = 256 * 1024;

/** What the writer tells its parent. */
export type WriterMessage = { socketPath: string } | { lines: number };

if (import.meta.main) await serve(Number(process.argv[2]), Number(process.argv[3]));

async function serve(linesPerSecond: number, seconds: number): Promise<void> {
  const period = Buffer.concat(Array.from({ length: MESSAGES }, (_, index) => chunkOf(frameOf(index))));
  const engine = await scriptedDocker();
  const container = { Id: 'c1', Name: '/api', State: { Status: 'running' }, Config: { Tty: false } };
  engine.on('GET /containers/c1/json', json({ ...container, HostConfig: { LogConfig: { Type: 'local' } } }));
  engine.on('GET /containers/c1/logs', logOf(period, linesPerSecond, seconds));
  tell({ socketPath: engine.socketPath });
  process.once('disconnect', () => void engine[Symbol.asyncDispose]());
}

function tell(message: WriterMessage): void {
  process.send?.(message);
}

/** A chunk of HTTP/1.1's chunked coding. */
function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** Writes the period over and over; what it is late with comes at once. The last period is written to its end. */
function logOf(period: Buffer, linesPerSecond: number, seconds: number): Answer {
  return async (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.docker.multiplexed-stream' });
    response.flushHeaders();
    const { socket } = response;
    if (socket === null) return;
    const periodLines = (MESSAGES / MESSAGES_PER_PERIOD) * LINES_PER_PERIOD;
    const bytesPerSecond = (period.length / periodLines) * linesPerSecond;
    const startedAt = performance.now();
    const passed = () => (performance.now() - startedAt) / 1000;
    let written = 0;
    const write = async (until: number): Promise<void> => {
      while (written < until) {
        const at = written % period.length;
        const part = period.subarray(at, at + (until - written));
        written += part.length;
        if (!socket.write(part)) await once(socket, 'drain');
      }
    };
    if (linesPerSecond === 0) while (passed() < seconds) await write(written + BLOCK_BYTES);
    for (let batch = 1; linesPerSecond > 0 && batch <= seconds * BATCHES_PER_SECOND; batch += 1) {
      await write(Math.floor((bytesPerSecond * batch) / BATCHES_PER_SECOND));
      const aheadMs = (batch / BATCHES_PER_SECOND - passed()) * 1000;
      if (aheadMs > 0) await sleep(aheadMs);
    }
    await write(Math.ceil(written / period.length) * period.length);
    socket.end('0\r\n\r\n');
    tell({ lines: (written / period.length) * periodLines });
  };
}
