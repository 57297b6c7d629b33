import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngine, type EngineParts } from '../../src/docker/client.ts';
import { noCredentials } from '../../src/docker/credentials.ts';
import type { ContainerLogLine, Engine, EngineEvent, PullProgress } from '../../src/docker/engine.ts';
import { PULL_LIMITS } from '../../src/docker/pull.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import { createHastyClock } from '../support/hasty-clock.ts';
import {
  hangUp,
  json,
  refusal,
  type ScriptedDocker,
  scriptedDocker,
  silence,
  stream,
} from '../support/scripted-docker.ts';
import { SOON_MS } from '../support/soon.ts';

const SHORT_MS = 300;
const PULL = 'POST /images/create';
const IMAGE = 'GET /images/r/a:b/json';
const GIB = 1024 ** 3;

let docker: ScriptedDocker & AsyncDisposable;

beforeEach(async () => {
  docker = await scriptedDocker();
});
afterEach(async () => {
  await docker[Symbol.asyncDispose]();
});

function engineWith(parts: Partial<EngineParts> = {}): Engine {
  return createEngine({
    socketPath: docker.socketPath,
    clock: systemClock,
    redactor: createRedactor(['hidden-secret']),
    log: silentLog,
    credentials: noCredentials,
    ...parts,
  });
}

const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const downloading = (current: number) =>
  line({ id: 'a', status: 'Downloading', progressDetail: { current, total: 100 } });

function pullCode(
  engine: Engine,
  options?: { requiredBytes: number },
  onProgress = (_progress: PullProgress): void => undefined,
): Promise<string> {
  return engine.pullImage('r/a:b', onProgress, new AbortController().signal, options).then(
    () => 'done',
    (error) => error.finding?.code ?? String(error),
  );
}

describe('a pull', () => {
  beforeEach(() => docker.on(IMAGE, json({ Id: 'sha256:1' })));

  it('ends well with the image there, and asks for it by name and tag', async () => {
    docker.on(PULL, stream([downloading(10), downloading(100)]));
    const seen: number[] = [];
    expect(await pullCode(engineWith(), undefined, (progress) => seen.push(progress.bytesDone))).toBe('done');
    expect(seen).toEqual([10, 100]);
    expect(docker.requests).toContain('POST /v1.41/images/create?fromImage=r%2Fa&tag=b');
  });

  it.each([
    [
      'an error inside the stream',
      'image_not_found',
      stream([line({ errorDetail: { message: 'manifest unknown' } })]),
    ],
    [
      'an error in a last line without line end',
      'disk_full',
      stream([downloading(5), '{"errorDetail":{"message":"no space left on device"}}']),
    ],
    ['a stream that breaks off', 'docker_unreachable', stream([downloading(5)], 'break')],
    ['a connection that is hung up', 'docker_unreachable', hangUp],
    ['status 404', 'image_not_found', refusal(404, 'manifest for r/a:b not found: manifest unknown')],
    ['status 429', 'registry_rate_limited', refusal(429, 'toomanyrequests: pull rate limit')],
    ['an older engine that is limited', 'registry_rate_limited', refusal(500, 'toomanyrequests: slow down')],
    ['a login that is refused', 'registry_login_failed', refusal(500, 'Head "x": unauthorized: wrong')],
  ])('fails with %s: %s', async (_name, code, answer) => {
    docker.on(PULL, answer);
    expect(await pullCode(engineWith())).toBe(code);
  });

  it('fails when it ends and the image is not there', async () => {
    docker.on(PULL, stream([downloading(100)]));
    docker.on(IMAGE, refusal(404, 'No such image: r/a:b'));
    expect(await pullCode(engineWith())).toBe('image_pull_failed');
  });

  it('survives lines that are not JSON', async () => {
    docker.on(PULL, stream(['<html>\n', '{"id":', '"a"}\n', '\n', '{"half']));
    expect(await pullCode(engineWith())).toBe('done');
  });

  it.each([
    ['while it downloads', 'downloadingMs', stream([downloading(5)], 'hang')],
    ['while it extracts', 'extractingMs', stream([line({ id: 'a', status: 'Extracting' })], 'hang')],
    ['before the registry answers', 'contactingMs', silence],
  ] as const)('that stands still %s is given up, and its connection closed', async (_name, limit, answer) => {
    docker.on(PULL, answer);
    const pull = {
      downloadingMs: 3_600_000,
      extractingMs: 3_600_000,
      contactingMs: 3_600_000,
      [limit]: SHORT_MS,
    };
    expect(await pullCode(engineWith({ limits: { pull } }))).toBe('image_pull_stalled');
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it("is ended by the caller's signal, also in the engine", async () => {
    docker.on(PULL, stream([downloading(5)], 'hang'));
    const stop = new AbortController();
    const reason = new Error('the file changed');
    const pull = engineWith().pullImage('r/a:b', () => stop.abort(reason), stop.signal);
    await expect(pull).rejects.toBe(reason);
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it('is not begun when the disk is too small, and names what is missing', async () => {
    docker.on('GET /info', json({ DockerRootDir: '/data' }));
    const asked: string[] = [];
    const freeBytes = async (directory: string) => {
      asked.push(directory);
      return 20 * GIB;
    };
    expect(await pullCode(engineWith({ freeBytes }), { requiredBytes: 16 * GIB })).toBe('disk_too_small');
    expect(asked).toEqual(['/data']);
    expect(docker.requests.some((request) => request.startsWith('POST'))).toBe(false);
  });

  it('leaves the reserve that was set', async () => {
    docker.on('GET /info', json({ DockerRootDir: '/data' }));
    docker.on(PULL, stream([]));
    const freeBytes = async () => 20 * GIB;
    const small = engineWith({ freeBytes, limits: { diskReserveBytes: GIB } });
    expect(await pullCode(small, { requiredBytes: 19 * GIB })).toBe('done');
    const large = engineWith({ freeBytes, limits: { diskReserveBytes: 8 * GIB } });
    expect(await pullCode(large, { requiredBytes: 13 * GIB })).toBe('disk_too_small');
  });

  it('leaves room for another that runs', async () => {
    docker.on('GET /info', json({ DockerRootDir: '/data' }));
    docker.on(PULL, stream([downloading(50)], 'hang'));
    const engine = engineWith({ freeBytes: async () => 30 * GIB });
    const stop = new AbortController();
    const { promise: halfDone, resolve } = Promise.withResolvers<void>();
    const first = engine.pullImage('r/a:b', () => resolve(), stop.signal, { requiredBytes: 20 * GIB });
    await halfDone;
    expect(await pullCode(engine, { requiredBytes: 11 * GIB })).toBe('disk_too_small');
    docker.on(PULL, stream([]));
    // Half of it is fetched and none unpacked: three quarters of it are still to come, and 5 GiB stay in reserve.
    expect(await pullCode(engine, { requiredBytes: 10 * GIB })).toBe('done');
    stop.abort(new Error('over'));
    await expect(first).rejects.toThrow('over');
    expect(await pullCode(engine, { requiredBytes: 25 * GIB })).toBe('done');
  });

  it('of a name that is none is refused without a call', async () => {
    const pull = engineWith().pullImage('a b', () => undefined, new AbortController().signal);
    await expect(pull).rejects.toMatchObject({ finding: { code: 'image_not_found' } });
    expect(docker.requests).toEqual([]);
  });
});

function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

async function collect(lines: AsyncIterable<ContainerLogLine>): Promise<string[]> {
  const texts: string[] = [];
  for await (const next of lines) texts.push(`${next.stream}: ${next.text}`);
  return texts;
}

describe('the log of a container', () => {
  const STAMP = '2026-01-02T03:04:05.000000001Z';
  const LOGS = 'GET /containers/c1/logs';
  const inspect = (tty: boolean, driver = 'local') =>
    json({
      Id: 'c1',
      Name: '/api',
      State: { Status: 'running' },
      Config: { Tty: tty },
      HostConfig: { LogConfig: { Type: driver } },
    });
  const noAbort = () => new AbortController().signal;

  beforeEach(() => docker.on('GET /containers/c1/json', inspect(false)));

  it('comes in redacted lines of both streams', async () => {
    docker.on(LOGS, stream([frame(1, `${STAMP} key hidden-secret\n`), frame(2, `${STAMP} oops\n`)]));
    const lines = await collect(engineWith().logs('c1', { tail: 5 }, noAbort()));
    expect(lines).toEqual(['stdout: key [redacted]', 'stderr: oops']);
    expect(docker.requests.at(-1)).toContain('tail=5');
  });

  it('of a terminal has no frames', async () => {
    docker.on('GET /containers/c1/json', inspect(true));
    docker.on(LOGS, stream([`${STAMP} {"json":1}\r\n`]));
    expect(await collect(engineWith().logs('c1', {}, noAbort()))).toEqual(['stdout: {"json":1}']);
  });

  it('that its driver does not keep is a named problem', async () => {
    docker.on(LOGS, refusal(500, 'configured logging driver does not support reading'));
    const reading = collect(engineWith().logs('c1', {}, noAbort()));
    await expect(reading).rejects.toMatchObject({ finding: { code: 'log_driver_unreadable' } });

    docker.on('GET /containers/c1/json', inspect(false, 'none'));
    const none = collect(engineWith().logs('c1', {}, noAbort()));
    await expect(none).rejects.toMatchObject({
      finding: { code: 'log_driver_unreadable', detail: 'container api has the log driver "none"' },
    });
  });

  it.each([
    ['breaks off', stream([frame(1, `${STAMP} a\n`)], 'break')],
    ['stands still', stream([frame(1, `${STAMP} a\n`)], 'hang')],
    ['never begins', silence],
  ])('that %s is an error, not an end', async (_name, answer) => {
    docker.on(LOGS, answer);
    const reading = collect(engineWith({ limits: { streamMs: SHORT_MS } }).logs('c1', {}, noAbort()));
    await expect(reading).rejects.toMatchObject({ name: 'EngineError', kind: 'unreachable' });
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it('of a container that is not there is an error', async () => {
    docker.on('GET /containers/c1/json', refusal(404, 'No such container'));
    const reading = collect(engineWith().logs('c1', {}, noAbort()));
    await expect(reading).rejects.toMatchObject({ kind: 'not_found' });
  });

  it('that is followed may be silent, and ends quietly with the signal', async () => {
    docker.on(LOGS, stream([frame(1, `${STAMP} a\n`)], 'hang'));
    const stop = new AbortController();
    const texts: string[] = [];
    const engine = engineWith({ limits: { streamMs: SHORT_MS } });
    for await (const next of engine.logs('c1', { follow: true }, stop.signal)) {
      texts.push(next.text);
      setTimeout(() => stop.abort(), 2 * SHORT_MS);
    }
    expect([texts, stop.signal.aborted]).toEqual([['a'], true]);
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it('closes its connection when the reader stops early', async () => {
    docker.on(LOGS, stream([frame(1, `${STAMP} a\n`)], 'hang'));
    for await (const _next of engineWith().logs('c1', { follow: true }, noAbort())) break;
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });
});

describe('the events', () => {
  const EVENTS = 'GET /events';
  const die = (id: string) => line({ Type: 'container', Action: 'die', Actor: { ID: id } });

  function watch(engine = engineWith(), onFirstLoss = (): void => undefined) {
    const stop = new AbortController();
    const log: string[] = [];
    const done = engine.watchEvents(
      {
        onEvent: (event: EngineEvent) => log.push(`${event.action} ${event.containerId}`),
        onConnect: () => log.push('connected'),
        onDisconnect: (error) => {
          if (!log.includes(error.finding.code)) onFirstLoss();
          log.push(error.finding.code);
        },
      },
      stop.signal,
    );
    const finish = (): Promise<void> => {
      stop.abort();
      return done;
    };
    return { log, finish };
  }

  it('are followed through a restart of the engine, whose version is asked anew', async () => {
    docker.on('GET /_ping', stream(['OK']));
    docker.on(EVENTS, stream([die('a')], 'hang'));
    const watched = watch();
    await vi.waitFor(() => expect(watched.log).toEqual(['connected', 'die a']), SOON_MS);
    await docker.stop();
    await vi.waitFor(() => expect(watched.log.at(-1)).toBe('docker_unreachable'), SOON_MS);
    docker.on('GET /version', json({ ApiVersion: '1.52', MinAPIVersion: '1.44' }));
    await docker.start();
    await vi.waitFor(() => expect(watched.log.slice(3)).toEqual(['connected', 'die a']), { timeout: 8_000 });
    expect(docker.requests.at(-1)).toMatch(/^GET \/v1\.47\/events\?/);
    await watched.finish();
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it('tell of an engine that answers no events', async () => {
    docker.on(EVENTS, silence);
    const watched = watch(engineWith({ limits: { readMs: SHORT_MS } }));
    await vi.waitFor(() => expect(watched.log).toEqual(['docker_unreachable']), SOON_MS);
    await watched.finish();
  });

  it('tell of an engine that hangs behind an open stream, within 10 s', async () => {
    docker.on('GET /_ping', silence);
    docker.on(EVENTS, stream([], 'hang'));
    const clock = createHastyClock(5);
    let sleptUntilTold = Number.POSITIVE_INFINITY;
    const watched = watch(engineWith({ clock }), () => {
      sleptUntilTold = clock.sleptMs();
    });
    await vi.waitFor(
      () => expect(watched.log.slice(0, 2)).toEqual(['connected', 'docker_unreachable']),
      SOON_MS,
    );
    await watched.finish();
    expect(sleptUntilTold).toBeLessThanOrEqual(10_000);
  });
});

it('the limits of a pull are those that were promised', () => {
  expect([PULL_LIMITS.downloadingMs, PULL_LIMITS.extractingMs]).toEqual([30_000, 600_000]);
});
