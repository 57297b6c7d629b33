import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Stage } from './benchmark.ts';

/** What a connection of {@link startFileServer} is held to. */
export interface Line {
  /** Each connection for itself. */
  bytesPerSecond: number;
  /** Before each answer. */
  delaySeconds: number;
}

/**
 * Serves the files of a folder by their last path segment until the benchmark ends (`paced-server.py`; needs python3).
 * Returns its address, without a slash at the end.
 */
export async function startFileServer(
  stage: Pick<Stage, 'defer'>,
  folder: string,
  line: Line,
): Promise<string> {
  const program = join(import.meta.dirname, 'paced-server.py');
  const argv = [program, folder, String(line.bytesPerSecond), String(line.delaySeconds)];
  const server: ChildProcess = spawn('python3', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  stage.defer(async () => {
    server.kill();
    await ended;
  });
  if (server.stdout === null) throw new Error('the server has no output');
  const [port] = await once(server.stdout, 'data');
  return `http://127.0.0.1:${Number(String(port))}`;
}
