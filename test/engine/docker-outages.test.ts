import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/docker/client.ts';
import { noCredentials } from '../../src/docker/credentials.ts';
import type { Engine } from '../../src/docker/engine.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import { type PrivateEngine, privateEngine, tinyImage } from '../support/engine.ts';
import { SOON_MS } from '../support/soon.ts';

/** What is promised. A pause and the deadline of a ping are 8 s together at the worst. */
const REPORT_MS = 10_000;
/** An engine that comes back is met within the longest pause between two tries, and the time of one. */
const RECOVERY_MS = 15_000;

let dockerd: PrivateEngine;
let engine: Engine;
let image: string;
let finish = async (): Promise<void> => undefined;

beforeAll(async () => {
  dockerd = await privateEngine('test-docker-outages');
  image = await tinyImage(dockerd);
  engine = createEngine({
    socketPath: dockerd.socketPath,
    clock: systemClock,
    redactor: createRedactor(),
    log: silentLog,
    credentials: noCredentials,
  });
}, 120_000);

afterEach(() => finish());

async function watch(): Promise<string[]> {
  const stop = new AbortController();
  const log: string[] = [];
  const done = engine.watchEvents(
    {
      onEvent: (event) => log.push(event.action),
      onConnect: () => log.push('connected'),
      onDisconnect: (error) => log.push(error.finding.code),
    },
    stop.signal,
  );
  finish = async () => {
    stop.abort();
    await done;
  };
  await vi.waitFor(() => expect(log).toEqual(['connected']), SOON_MS);
  return log;
}

function failure(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no failure',
    (error) => error.finding.code,
  );
}

async function makeContainer(): Promise<string> {
  const body = { Image: image, Cmd: ['sleep', '600'] };
  const id = await engine.createContainer({ name: 'outage', body, laterNetworks: [] });
  await engine.startContainer(id);
  return id;
}

it('a killed engine is reported, and met again with its events when it is back', {
  timeout: 60_000,
}, async () => {
  const log = await watch();
  const following = engine.logs(await makeContainer(), { follow: true }, new AbortController().signal);
  const lines = following[Symbol.asyncIterator]().next();
  lines.catch(() => undefined);
  dockerd.kill('SIGKILL');
  await vi.waitFor(() => expect(log.at(-1)).toBe('docker_unreachable'), REPORT_MS);
  await expect(lines).rejects.toMatchObject({ finding: { code: 'docker_unreachable' } });
  expect(await failure(engine.info())).toBe('docker_unreachable');
  await dockerd.start();
  await vi.waitFor(() => expect(log.at(-1)).toBe('connected'), RECOVERY_MS);
  const [container] = await engine.listContainers('none', ['outage']);
  expect(container?.name).toBe('outage');
  await engine.removeContainer('outage', { force: true });
  await vi.waitFor(() => expect(log.at(-1)).toBe('destroy'), SOON_MS);
});

it('a hung engine is reported, no call waits for ever, and it is met again when it goes on', {
  timeout: 60_000,
}, async () => {
  const log = await watch();
  dockerd.kill('SIGSTOP');
  try {
    const call = failure(engine.listContainers('none', []));
    await vi.waitFor(() => expect(log.at(-1)).toBe('docker_unreachable'), REPORT_MS);
    expect(await call).toBe('docker_unreachable');
  } finally {
    dockerd.kill('SIGCONT');
  }
  await vi.waitFor(() => expect(log.at(-1)).toBe('connected'), RECOVERY_MS);
  const id = await makeContainer();
  await engine.removeContainer(id, { force: true });
  await vi.waitFor(() => expect(log.at(-1)).toBe('destroy'), SOON_MS);
});

it('an engine that is stopped and started in good order is reported and met again', {
  timeout: 90_000,
}, async () => {
  const log = await watch();
  dockerd.kill('SIGTERM');
  await vi.waitFor(() => expect(log.at(-1)).toBe('docker_unreachable'), REPORT_MS);
  await dockerd.restart();
  await vi.waitFor(() => expect(log.at(-1)).toBe('connected'), RECOVERY_MS);
  expect((await engine.info()).rootDirectory).toBe(dockerd.dataRoot);
});
