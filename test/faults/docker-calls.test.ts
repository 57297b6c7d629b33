import { chmod, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/docker/client.ts';
import { noCredentials } from '../../src/docker/credentials.ts';
import type { Engine } from '../../src/docker/engine.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import {
  type Answer,
  hangUp,
  json,
  refusal,
  type ScriptedDocker,
  scriptedDocker,
  silence,
  stream,
} from '../support/scripted-docker.ts';
import { SOON_MS } from '../support/soon.ts';

/** Short enough for a test, long enough for a loaded machine to answer in. */
const SHORT_MS = 300;

let docker: ScriptedDocker & AsyncDisposable;
let engine: Engine;

const INSPECT = {
  Id: 'c1',
  Name: '/api',
  State: { Status: 'running' },
  Config: { Tty: false },
  HostConfig: { LogConfig: { Type: 'json-file' } },
};

function engineFor(socketPath: string, limits = {}): Engine {
  return createEngine({
    socketPath,
    clock: systemClock,
    redactor: createRedactor(),
    log: silentLog,
    credentials: noCredentials,
    limits,
  });
}

function failure(call: Promise<unknown>): Promise<{ kind: string; code: string; detail: string }> {
  return call.then(
    () => {
      throw new Error('the call was expected to fail');
    },
    (error) => ({ kind: error.kind, code: error.finding?.code, detail: error.finding?.detail }),
  );
}

/** The head of a JSON answer with only a part of its body. */
const cutBody: Answer = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"Id":"c1",');
  setImmediate(() => request.socket.destroy());
};

beforeEach(async () => {
  docker = await scriptedDocker();
  engine = engineFor(docker.socketPath);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await docker[Symbol.asyncDispose]();
});

describe('a read', () => {
  it('is given up at its deadline when the engine never answers', async () => {
    docker.on('GET /containers/c1/json', silence);
    engine = engineFor(docker.socketPath, { readMs: SHORT_MS });
    expect(await failure(engine.inspectContainer('c1'))).toMatchObject({
      kind: 'unreachable',
      code: 'docker_unreachable',
    });
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it('whose body is cut twice fails at once, long before its deadline', async () => {
    docker.on('GET /containers/c1/json', cutBody);
    engine = engineFor(docker.socketPath, { readMs: 3_600_000 });
    expect((await failure(engine.inspectContainer('c1'))).code).toBe('docker_unreachable');
    expect(docker.requests.filter((line) => line.includes('/c1/json'))).toHaveLength(2);
  });

  it.each([
    ['is cut off', cutBody],
    ['is hung up on', hangUp],
  ])('is sent once more when it %s', async (_name, fault) => {
    docker.on('GET /containers/c1/json', fault, json(INSPECT));
    expect((await engine.inspectContainer('c1'))?.id).toBe('c1');
  });

  it('works at once after a restart of the engine', async () => {
    docker.on('GET /containers/c1/json', json(INSPECT));
    await engine.inspectContainer('c1');
    await docker.stop();
    expect((await failure(engine.inspectContainer('c1'))).code).toBe('docker_unreachable');
    await docker.start();
    expect((await engine.inspectContainer('c1'))?.id).toBe('c1');
  });

  it('of something that is not there is null', async () => {
    docker.on('GET /containers/c1/json', refusal(404, 'No such container: c1'));
    expect(await engine.inspectContainer('c1')).toBeNull();
  });

  it.each([
    ['an empty body', stream([])],
    ['HTML', stream(['<html>'])],
    ['JSON of another thing', json(['x'])],
    ['nothing but null', json(null)],
  ])('answered with %s fails with a name', async (_name, answer) => {
    docker.on('GET /containers/c1/json', answer);
    expect(await failure(engine.inspectContainer('c1'))).toMatchObject({
      kind: 'refused',
      code: 'engine_call_failed',
    });
  });

  it("is ended by the caller's own signal with the caller's own reason", async () => {
    docker.on('GET /containers/c1/json', silence);
    const stop = new AbortController();
    const reason = new Error('shutting down');
    const call = engine.inspectContainer('c1', stop.signal);
    await vi.waitFor(() => expect(docker.requests.at(-1)).toContain('/c1/json'), SOON_MS);
    stop.abort(reason);
    await expect(call).rejects.toBe(reason);
    await vi.waitFor(() => expect(docker.connections()).toBe(0), SOON_MS);
  });

  it('goes to the socket that was given, whatever DOCKER_HOST says', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    docker.on('GET /containers/c1/json', json(INSPECT));
    expect((await engine.inspectContainer('c1'))?.id).toBe('c1');
  });
});

describe('a socket', () => {
  it('that is missing is an unreachable engine', async () => {
    engine = engineFor(`${docker.socketPath}.missing`);
    expect(await failure(engine.info())).toMatchObject({ kind: 'unreachable', code: 'docker_unreachable' });
  });

  it('that may not be opened is a missing permission', async () => {
    // the folder of the socket is open to its owner only; root becomes another user for the length of the call
    const root = process.geteuid?.() ?? 0;
    if (root === 0) process.seteuid?.(65_534);
    else await chmod(docker.socketPath, 0);
    try {
      expect(await failure(engine.info())).toMatchObject({
        kind: 'permission',
        code: 'docker_permission_denied',
      });
    } finally {
      if (root === 0) process.seteuid?.(0);
    }
  });

  it('that nobody listens on is an unreachable engine', async () => {
    const path = `${docker.socketPath}.file`;
    await writeFile(path, '');
    expect((await failure(engineFor(path).info())).code).toBe('docker_unreachable');
  });
});

describe('a change', () => {
  it('is never sent twice', async () => {
    docker.on('POST /containers/create', hangUp);
    docker.on('POST /containers/c1/start', cutBody);
    expect((await failure(engine.createContainer({ name: 'a', body: {}, laterNetworks: [] }))).kind).toBe(
      'unreachable',
    );
    await failure(engine.startContainer('c1'));
    expect(docker.requests.filter((line) => line.startsWith('POST'))).toHaveLength(2);
  });

  it('has a deadline too', async () => {
    docker.on('POST /containers/c1/start', silence);
    engine = engineFor(docker.socketPath, { createMs: SHORT_MS });
    expect(await failure(engine.startContainer('c1'))).toEqual({
      kind: 'unreachable',
      code: 'engine_call_failed',
      detail: 'starting container c1 did not answer within 0.3 s',
    });
  });

  it('sends the body of a new container in the body alone, and its name in the address', async () => {
    docker.on('POST /containers/create', json({ Id: 'c9' }, 201));
    const body = { Image: 'x', Env: ['VLLM_API_KEY=secret'] };
    expect(await engine.createContainer({ name: 'ai-sandbox-api', body, laterNetworks: [] })).toBe('c9');
    expect(docker.requests.at(-1)).toBe('POST /v1.41/containers/create?name=ai-sandbox-api');
    expect(JSON.parse(docker.bodies.at(-1) ?? '')).toEqual(body);
  });

  it('that creates a container without an id in the answer fails with a name', async () => {
    docker.on('POST /containers/create', stream(['created']));
    const call = engine.createContainer({ name: 'a', body: {}, laterNetworks: [] });
    expect((await failure(call)).kind).toBe('refused');
  });

  it('leaves no container behind that could not join its networks', async () => {
    docker.on('POST /containers/create', json({ Id: 'c9' }, 201));
    docker.on('POST /networks/second/connect', refusal(404, 'network second not found'));
    docker.on('DELETE /containers/c9', (_request, response) => response.writeHead(204).end());
    const laterNetworks = [{ network: 'second', endpoint: { Aliases: ['api'] } }];
    expect((await failure(engine.createContainer({ name: 'a', body: {}, laterNetworks }))).kind).toBe(
      'not_found',
    );
    expect(docker.requests.at(-1)).toMatch(/^DELETE \/v1\.41\/containers\/c9\?/);
  });

  it('to a state that stands already succeeds', async () => {
    const notModified: Answer = (_request, response) => response.writeHead(304).end();
    docker.on('POST /containers/c1/start', notModified);
    docker.on('POST /containers/c1/stop', notModified);
    docker.on(
      'POST /containers/c1/kill',
      refusal(409, 'Cannot kill container: c1: Container c1 is not running'),
    );
    docker.on('DELETE /containers/c1', refusal(404, 'No such container: c1'));
    await engine.startContainer('c1');
    await engine.stopContainer('c1', 1_000);
    await engine.killContainer('c1');
    await engine.removeContainer('c1', { force: false });
  });

  it('that meets a port which the engine has given away is told with the container that has it, or that none has', async () => {
    const words = 'Bind for 127.0.0.1:3000 failed: port is already allocated';
    docker.on('POST /containers/c1/start', refusal(500, words));
    const Ports = [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 3000, Type: 'tcp' }];
    docker.on('GET /containers/json', json([{ Id: 'c2', Names: ['/shop-web-1'], Labels: {}, Ports }]));
    expect(await failure(engine.startContainer('c1'))).toMatchObject({
      code: 'port_in_use',
      detail: `starting container c1: ${words}; the container shop-web-1 has it`,
    });
    docker.on('GET /containers/json', json([]));
    expect((await failure(engine.startContainer('c1'))).code).toBe('port_left_taken');
    docker.on('GET /containers/json', refusal(500, 'no list'));
    expect((await failure(engine.startContainer('c1'))).code).toBe('port_in_use');
  });

  it("that the engine refuses keeps the engine's words", async () => {
    const words = 'could not select device driver "" with capabilities: [[gpu]]';
    docker.on('POST /containers/c1/start', refusal(500, words));
    expect(await failure(engine.startContainer('c1'))).toEqual({
      kind: 'refused',
      code: 'gpu_missing',
      detail: `starting container c1: ${words}`,
    });
  });
});

describe('the API version', () => {
  it.each([
    ['1.41', '1.12', '1.41'],
    ['1.44', '1.24', '1.44'],
    ['1.52', '1.44', '1.47'],
    ['1.56', '1.44', '1.47'],
  ])('with an engine of %s (at least %s) is %s', async (ApiVersion, MinAPIVersion, spoken) => {
    docker.on('GET /version', json({ Version: 'x', ApiVersion, MinAPIVersion }));
    docker.on('GET /info', json({ ServerVersion: 'x' }));
    expect((await engine.info()).apiVersion).toBe(ApiVersion);
    expect(docker.requests).toEqual(['GET /version', `GET /v${spoken}/info`]);
  });

  it('is asked for once', async () => {
    docker.on('GET /containers/c1/json', json(INSPECT));
    await Promise.all([engine.inspectContainer('c1'), engine.inspectContainer('c1')]);
    await engine.inspectContainer('c1');
    expect(docker.requests.filter((line) => line === 'GET /version')).toHaveLength(1);
  });

  it('is chosen again when the engine was upgraded under us, for a change too', async () => {
    docker.on('GET /containers/c1/json', json(INSPECT));
    await engine.inspectContainer('c1');
    docker.on('GET /version', json({ Version: '29', ApiVersion: '1.52', MinAPIVersion: '1.44' }));
    const tooOld = 'client version 1.41 is too old. Minimum supported API version is 1.44';
    docker.on('POST /containers/c1/start', refusal(400, tooOld), (_request, response) =>
      response.writeHead(204).end(),
    );
    await engine.startContainer('c1');
    expect(docker.requests.slice(-3)).toEqual([
      'POST /v1.41/containers/c1/start',
      'GET /version',
      'POST /v1.47/containers/c1/start',
    ]);
  });

  it('is asked again after a failure to learn it', async () => {
    docker.on('GET /version', refusal(503, 'starting'), json({ ApiVersion: '1.41' }));
    docker.on('GET /info', json({}));
    expect((await failure(engine.info())).code).toBe('engine_call_failed');
    expect((await engine.info()).apiVersion).toBe('1.41');
  });
});

describe('the list of containers', () => {
  it('holds what a label or the name finds, once, without what vanished meanwhile', async () => {
    docker.on('GET /containers/json', json([{ Id: 'c1' }, { Id: 'gone' }]));
    docker.on('GET /containers/c1/json', json(INSPECT));
    docker.on('GET /containers/gone/json', refusal(404, 'No such container'));
    const list = await engine.listContainers('ai-sandbox', ['ai-sandbox-api', 'a.b']);
    expect(list.map((container) => container.id)).toEqual(['c1']);
    const filters = docker.requests
      .filter((line) => line.includes('filters='))
      .map((line) => new URL(line.slice(4), 'http://x').searchParams.get('filters'));
    expect(filters.sort()).toEqual([
      '{"label":["com.docker.compose.project=ai-sandbox"]}',
      '{"label":["io.ai-sandbox.spec-hash"]}',
      '{"name":["^/?ai-sandbox-api$","^/?a\\\\.b$"]}',
    ]);
  });

  it('fails as a whole rather than miss a container', async () => {
    docker.on('GET /containers/json', json([{ Id: 'c1' }, { Id: 'c2' }]));
    docker.on('GET /containers/c1/json', json(INSPECT));
    docker.on('GET /containers/c2/json', refusal(500, 'layer does not exist'));
    expect((await failure(engine.listContainers('p', []))).code).toBe('engine_call_failed');
    docker.on('GET /containers/json', stream(['oops']));
    expect((await failure(engine.listContainers('p', []))).code).toBe('engine_call_failed');
  });
});
