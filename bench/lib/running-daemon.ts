import { join } from 'node:path';
import { readComposeProject } from '../../src/compose/read-project.ts';
import type { ComposeProject } from '../../src/compose/service-spec.ts';
import { specHash } from '../../src/compose/spec-hash.ts';
import { createEngine } from '../../src/docker/client.ts';
import { createRequest } from '../../src/docker/container-spec.ts';
import { noCredentials } from '../../src/docker/credentials.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import { openStateStore } from '../../src/lib/state-store.ts';
import { EMPTY_MEMORY, ServicesMemorySchema } from '../../src/services/memory.ts';
import { createSupervisor } from '../../src/services/supervisor.ts';
import { wallNow } from './engine.ts';

/** Long enough for the first list and the connection to the events. */
const SETTLE_MS = 500;

/**
 * Hands a compose file to a supervisor that has been running with none of its services, on a real engine and a real
 * state file. Returns the moment it was handed over.
 */
export async function startWithSupervisor(
  socketPath: string,
  file: string,
  text: string,
  stateDirectory: string,
): Promise<{ since: number; end(): Promise<void> }> {
  const read = readComposeProject({ file, text, variables: {}, readFile: () => null });
  if ('errors' in read) throw new Error(read.errors.map((error) => error.message).join('; '));
  const nothing: ComposeProject = { ...read.project, services: [], networks: [], volumes: [] };
  const store = await openStateStore(join(stateDirectory, `${performance.now()}.json`), systemClock);
  const redactor = createRedactor();
  const engine = createEngine({
    socketPath,
    clock: systemClock,
    redactor,
    log: silentLog,
    credentials: noCredentials,
  });
  const supervisor = createSupervisor({
    engine,
    clock: systemClock,
    log: silentLog,
    memory: store.section('services', ServicesMemorySchema, EMPTY_MEMORY),
    specHash,
    createRequest,
    probes: {},
    bootId: 'benchmark',
    settings: { silenceLimitMs: 600_000 },
  });
  const ended = new AbortController();
  const running = supervisor.run(ended.signal);
  supervisor.setDesired({ project: nothing, overrides: {} });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const since = wallNow();
  supervisor.setDesired({ project: read.project, overrides: {} });
  return {
    since,
    end: async () => {
      ended.abort();
      await running;
      await store.flush();
    },
  };
}
