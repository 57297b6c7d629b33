import { statfs } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import { createConnection } from './connection.ts';
import { containerCalls } from './container-calls.ts';
import type { Credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import { createEngineCalls, type EngineLimits, STANDARD_LIMITS } from './engine-calls.ts';
import { parseEngineInfo } from './engine-info.ts';
import { imageCalls } from './image-calls.ts';
import { networkAndVolumeCalls } from './network-and-volume-calls.ts';
import { streamCalls } from './stream-calls.ts';

/** What {@link createEngine} needs from outside. */
export interface EngineParts {
  /** Path of the engine's Unix socket, without a scheme. */
  socketPath: string;
  clock: Clock;
  redactor: Redactor;
  log: Log;
  credentials: Credentials;
  /** Deadlines, silences and the disk reserve; {@link STANDARD_LIMITS} where not given. */
  limits?: Partial<EngineLimits>;
  /** Free bytes on the file system of a directory. Default: asked of the system. */
  freeBytes?: (directory: string) => Promise<number>;
  /** Bytes that others are still writing to the file system of a directory; an image must fit beside them. Default: none. */
  claimedBytes?: (directory: string) => Promise<number>;
}

/** The engine of {@link createEngine}. */
export interface ConnectedEngine extends Engine {
  /** Asks now which API version both sides speak, so that the first call need not wait for it; never throws. */
  negotiate(): void;
}

/** The Docker engine behind a Unix socket. Nothing is sent before the first call; there is nothing to close. */
export function createEngine(parts: EngineParts): ConnectedEngine {
  const { clock, redactor, log, credentials } = parts;
  const limits = { ...STANDARD_LIMITS, ...parts.limits };
  const connection = createConnection(parts.socketPath, clock);
  const calls = createEngineCalls(connection, redactor);

  const info: Engine['info'] = (signal) =>
    calls.read('asking the Docker engine for its state', limits.readMs, signal, async (docker) =>
      parseEngineInfo(await docker.info(), await connection.version()),
    );
  const containers = containerCalls(calls, limits);
  return {
    // The call that needs the answer asks again, and tells what failed.
    negotiate: () => void connection.version().catch(() => undefined),
    info,
    ...containers,
    ...networkAndVolumeCalls(calls, limits),
    ...imageCalls({
      clock,
      redactor,
      log,
      credentials,
      calls,
      limits,
      info,
      freeBytes: parts.freeBytes ?? freeBytesOf,
      claimedBytes: parts.claimedBytes ?? (async () => 0),
    }),
    ...streamCalls({
      clock,
      redactor,
      log,
      calls,
      connection,
      limits,
      inspectContainer: containers.inspectContainer,
    }),
  };
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
