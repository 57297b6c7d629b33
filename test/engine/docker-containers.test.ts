import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/docker/client.ts';
import { noCredentials } from '../../src/docker/credentials.ts';
import type { ContainerLogLine, CreateRequest, Engine, EngineEvent } from '../../src/docker/engine.ts';
import { unsupportedReason } from '../../src/docker/engine-info.ts';
import { COMPOSE_LABELS } from '../../src/docker/labels.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import { type PrivateEngine, privateEngine, tinyImage } from '../support/engine.ts';
import { SOON_MS } from '../support/soon.ts';

const PROJECT = 'docker-room';

// Calls have deadlines of their own; containers start beside other work.
vi.setConfig({ testTimeout: 60_000 });

let dockerd: PrivateEngine;
let engine: Engine;
let image: string;
const made: string[] = [];

beforeAll(async () => {
  dockerd = await privateEngine('test-docker-room');
  image = await tinyImage(dockerd);
  engine = createEngine({
    socketPath: dockerd.socketPath,
    clock: systemClock,
    redactor: createRedactor(['hidden-secret']),
    log: silentLog,
    credentials: noCredentials,
  });
}, 120_000);

afterEach(async () => {
  for (const id of made.splice(0)) await engine.removeContainer(id, { force: true });
});

async function create(script: string, body: Record<string, unknown> = {}, name = 'room-a'): Promise<string> {
  const request: CreateRequest = {
    name,
    body: {
      Image: image,
      Cmd: ['sh', '-c', script],
      Labels: { [COMPOSE_LABELS.project]: PROJECT },
      ...body,
    },
    laterNetworks: [],
  };
  const id = await engine.createContainer(request);
  made.push(id);
  return id;
}

async function finding(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no failure',
    (error) => error.finding.code,
  );
}

async function readLog(id: string, query = {}, signal = new AbortController().signal) {
  const lines: ContainerLogLine[] = [];
  for await (const line of engine.logs(id, query, signal)) lines.push(line);
  return lines;
}

async function ended(id: string): Promise<void> {
  await vi.waitFor(async () => expect((await engine.inspectContainer(id))?.state).toBe('exited'), SOON_MS);
}

describe('the engine', () => {
  it('tells its version, directory and kind, and is supported', async () => {
    const info = await engine.info();
    expect(info.rootDirectory).toBe(dockerd.dataRoot);
    expect(info.imageDirectory).toBe(dockerd.dataRoot);
    expect(info.runtimes).toContain('runc');
    expect(info.version).toMatch(/^\d+\.\d+/);
    expect(info.apiVersion).toMatch(/^1\.\d+$/);
    expect(unsupportedReason(info)).toBeNull();
  });

  it('keeps networks and volumes, and refuses a network of the same name', async () => {
    await engine.createNetwork('room-net', 'bridge', { a: 'b' });
    await engine.createVolume({ name: 'room-volume', driver: null, driverOptions: {}, labels: { a: 'b' } });
    expect(await engine.listNetworks()).toContain('room-net');
    expect(await engine.listVolumes()).toContain('room-volume');
    await expect(engine.createNetwork('room-net', null, {})).rejects.toMatchObject({ kind: 'conflict' });
    await dockerd.docker(['network', 'rm', 'room-net']);
    await dockerd.docker(['volume', 'rm', 'room-volume']);
  });

  it('knows the images it has, and those it has not', async () => {
    expect(await engine.imageId(image)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await engine.imageId('nobody/nothing:1')).toBeNull();
    expect(await engine.imageId('not a name')).toBeNull();
  });
});

describe('a container', () => {
  it('is created, started, seen, stopped and removed', async () => {
    const id = await create('trap "exit 7" TERM; while :; do sleep 0.1; done');
    expect((await engine.inspectContainer(id))?.state).toBe('created');
    await engine.startContainer(id);
    await engine.startContainer(id);
    const [running] = await engine.listContainers(PROJECT, []);
    expect(running).toMatchObject({
      id,
      name: 'room-a',
      state: 'running',
      image,
      restartPolicy: 'no',
      tty: false,
    });
    expect(running?.pid).toBeGreaterThan(0);
    expect(running?.finishedAt).toBeNull();
    await engine.stopContainer(id, 5_000);
    await engine.stopContainer(id, 5_000);
    expect(await engine.inspectContainer(id)).toMatchObject({
      state: 'exited',
      exitCode: 7,
      oomKilled: false,
      pid: 0,
    });
    await engine.removeContainer(id, { force: false });
    await engine.removeContainer(id, { force: false });
    expect(await engine.inspectContainer(id)).toBeNull();
    expect(await engine.listContainers(PROJECT, ['room-a'])).toEqual([]);
  });

  it('that ignores SIGTERM is killed after its grace', async () => {
    const id = await create('trap "" TERM; while :; do sleep 0.1; done');
    await engine.startContainer(id);
    await engine.stopContainer(id, 1_000);
    expect((await engine.inspectContainer(id))?.exitCode).toBe(137);
  });

  it('is killed, once or twice', async () => {
    const id = await create('sleep 600');
    await engine.startContainer(id);
    await engine.killContainer(id);
    await ended(id);
    await engine.killContainer(id);
    expect((await engine.inspectContainer(id))?.exitCode).toBe(137);
  });

  it('without our label is found by its exact name', async () => {
    const id = await create('true', { Labels: {} }, 'room-stranger');
    await create('true', { Labels: {} }, 'room-stranger-2');
    const found = await engine.listContainers(PROJECT, ['room-stranger']);
    expect(found.map((container) => container.id)).toEqual([id]);
  });

  it('of a name that is taken is a conflict', async () => {
    await create('true');
    await expect(create('true')).rejects.toMatchObject({ kind: 'conflict', statusCode: 409 });
  });

  it('loses the restart policy that somebody gave it', async () => {
    const id = await create('true', { HostConfig: { RestartPolicy: { Name: 'always' } } });
    expect((await engine.inspectContainer(id))?.restartPolicy).toBe('always');
    await engine.setRestartPolicy(id, 'no');
    expect((await engine.inspectContainer(id))?.restartPolicy).toBe('no');
  });

  it('joins a second network after its creation', async () => {
    await engine.createNetwork('room-second', null, {});
    const body = { Image: image, Cmd: ['sleep', '600'], Labels: {} };
    const laterNetworks = [{ network: 'room-second', endpoint: { Aliases: ['api'] } }];
    const id = await engine.createContainer({ name: 'room-two', body, laterNetworks });
    made.push(id);
    expect((await engine.inspectContainer(id))?.networkNames.sort()).toEqual(['bridge', 'room-second']);
    await engine.removeContainer(id, { force: true });
    await dockerd.docker(['network', 'rm', 'room-second']);
  });
});

describe('a start that the engine refuses', () => {
  it('for a missing command is named so, and the words are kept', async () => {
    const id = await create('', { Cmd: ['no-such-program'] });
    await expect(engine.startContainer(id)).rejects.toMatchObject({
      finding: { code: 'command_not_found', detail: expect.stringContaining('no-such-program') },
    });
    const refused = await engine.inspectContainer(id);
    expect(refused?.state).toBe('created');
    expect(refused?.exitCode).toBe(127);
    expect(refused?.error).toContain('no-such-program');
  });

  it('for a missing GPU is named so', async () => {
    const id = await create('true', {
      HostConfig: { DeviceRequests: [{ Driver: '', Count: -1, Capabilities: [['gpu']] }] },
    });
    expect(await finding(engine.startContainer(id))).toBe('gpu_missing');
  });

  it('for a runtime of NVIDIA that is not set up is named so', async () => {
    expect(await finding(create('true', { HostConfig: { Runtime: 'nvidia' } }))).toBe('gpu_missing');
  });

  it('for a port of another program is named so', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const publish = { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: port }] } } };
    const id = await create('sleep 600', { ExposedPorts: { '80/tcp': {} }, ...publish });
    expect(await finding(engine.startContainer(id))).toBe('port_in_use');
    await new Promise((resolve) => server.close(resolve));
    await engine.startContainer(id);
    expect((await engine.inspectContainer(id))?.publishedPorts).toEqual({
      '80/tcp': [{ hostIp: '127.0.0.1', hostPort: Number(port) }],
    });
    const second = await create('sleep 600', { ExposedPorts: { '80/tcp': {} }, ...publish }, 'room-b');
    await expect(engine.startContainer(second)).rejects.toMatchObject({
      finding: { code: 'port_in_use', detail: expect.stringMatching(/; the container \S+ has it$/) },
    });
  });

  it('for a missing mount source is named so at the creation', async () => {
    const mount = { Type: 'bind', Source: '/does/not/exist', Target: '/x' };
    expect(await finding(create('true', { HostConfig: { Mounts: [mount] } }))).toBe('mount_source_missing');
  });

  it('for an image that is gone is passing', async () => {
    await expect(create('true', { Image: 'nobody/nothing:1' })).rejects.toMatchObject({
      kind: 'not_found',
      finding: { code: 'image_not_found', class: 'transient' },
    });
  });
});

describe('the log of a container', () => {
  it('has both streams, redacted, with times, and its tail', async () => {
    const id = await create('echo one; echo hidden-secret >&2; sleep 0.2; echo three');
    await engine.startContainer(id);
    await ended(id);
    const lines = await readLog(id);
    expect(lines.map((line) => `${line.stream} ${line.text}`).sort()).toEqual([
      'stderr [redacted]',
      'stdout one',
      'stdout three',
    ]);
    expect(lines.every((line) => /^\d{4}-.*\.\d{9}Z$/.test(line.timestamp))).toBe(true);
    expect((await readLog(id, { tail: 1 })).map((line) => line.text)).toEqual(['three']);
  });

  it('since a line holds that line and the later ones', async () => {
    const id = await create('for i in 1 2 3; do echo $i; sleep 0.05; done');
    await engine.startContainer(id);
    await ended(id);
    const [, second] = await readLog(id);
    const later = await readLog(id, { since: second?.timestamp });
    expect(later.map((line) => line.text)).toEqual(['2', '3']);
  });

  it.each(['json-file', 'local'])(
    'keeps a line of 40 KB whole but for the cut of long lines, with the driver %s',
    async (Type) => {
      const id = await create(`head -c 40000 /dev/zero | tr '\\0' x; echo; echo after`, {
        HostConfig: { LogConfig: { Type } },
      });
      await engine.startContainer(id);
      await ended(id);
      const lines = (await readLog(id)).map((line) => line.text);
      expect(lines.at(-1)).toBe('after');
      expect(lines.slice(0, -1).join('')).toBe('x'.repeat(40_000));
    },
  );

  it('of a terminal is read without frames', async () => {
    const id = await create(`echo '{"json": true}'`, { Tty: true });
    await engine.startContainer(id);
    await ended(id);
    expect((await readLog(id)).map((line) => line.text)).toEqual(['{"json": true}']);
  });

  it('is followed until the container ends', async () => {
    const id = await create('echo first; sleep 0.5; echo last');
    await engine.startContainer(id);
    expect((await readLog(id, { follow: true })).map((line) => line.text)).toEqual(['first', 'last']);
  });

  it('that its driver does not keep is a named problem', async () => {
    const id = await create('echo lost', { HostConfig: { LogConfig: { Type: 'none' } } });
    await engine.startContainer(id);
    expect(await finding(readLog(id))).toBe('log_driver_unreadable');
  });
});

it('the life of a container comes as events', async () => {
  const stop = new AbortController();
  const events: EngineEvent[] = [];
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  const watching = engine.watchEvents(
    { onEvent: (event) => events.push(event), onConnect: resolve, onDisconnect: () => undefined },
    stop.signal,
  );
  await connected;
  const id = await create('exit 3');
  await engine.startContainer(id);
  await ended(id);
  await engine.removeContainer(id, { force: true });
  await vi.waitFor(
    () =>
      expect(events.filter((event) => event.containerId === id).map((event) => event.action)).toEqual([
        'create',
        'start',
        'die',
        'destroy',
      ]),
    SOON_MS,
  );
  expect(events.find((event) => event.action === 'die')?.attributes).toMatchObject({
    exitCode: '3',
    name: 'room-a',
    [COMPOSE_LABELS.project]: PROJECT,
  });
  stop.abort();
  await watching;
});
