import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine, type EngineParts } from '../../src/docker/client.ts';
import { createCredentials } from '../../src/docker/credentials.ts';
import type { Engine, PullProgress } from '../../src/docker/engine.ts';
import { PULL_LIMITS } from '../../src/docker/pull.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import { type PrivateEngine, privateEngine, tinyImage } from '../support/engine.ts';
import { freePort } from '../support/ports.ts';
import { type Registry, stallingProxy, startRegistry } from '../support/registry.ts';

const run = promisify(execFile);
const LAYER_BYTES = 8 * 1024 * 1024;
const LOGIN = { user: 'tester', password: 'registry-password' };

// Calls have deadlines of their own; layers are pulled beside other work.
vi.setConfig({ testTimeout: 60_000 });

let dockerd: PrivateEngine;
let open: Registry;
let guarded: Registry;
let digest: string;
let folder: string;
const pulled: string[] = [];

beforeAll(async () => {
  dockerd = await privateEngine('test-docker-pulls');
  open = await startRegistry();
  guarded = await startRegistry(LOGIN);
  folder = await mkdtemp(join(tmpdir(), 'pull-test-'));
  const base = await tinyImage(dockerd);
  // random bytes do not shrink, so that the download has a known size; two layers, one of them small
  await run('bash', [
    '-c',
    `set -e; cd '${folder}'; head -c ${LAYER_BYTES} /dev/urandom > blob
     printf 'FROM ${base}\\nCOPY blob /blob\\n' > Dockerfile
     DOCKER_BUILDKIT=0 DOCKER_HOST='${dockerd.dockerHost}' docker build -q -t room-pull . >/dev/null; rm blob`,
  ]);
  digest = await push(open);
  await push(guarded);
  await dockerd.docker(['rmi', '-f', 'room-pull']);
}, 180_000);

afterEach(async () => {
  for (const image of pulled.splice(0)) await dockerd.docker(['rmi', '-f', image]);
});

afterAll(async () => {
  await open.remove();
  await guarded.remove();
  await rm(folder, { recursive: true, force: true });
});

async function push(registry: Registry): Promise<string> {
  const tag = `${registry.host}/room/pull:1`;
  const env = { DOCKER_CONFIG: registry.dockerConfig };
  await dockerd.docker(['tag', 'room-pull', tag]);
  const pushed = await dockerd.docker(['push', tag], { env });
  if (pushed.code !== 0) throw new Error(`docker push: ${pushed.stderr}`);
  await dockerd.docker(['rmi', tag]);
  return /digest: (sha256:[0-9a-f]{64})/.exec(pushed.stdout)?.[1] ?? '';
}

function engineWith(files: string[] = [], parts: Partial<EngineParts> = {}): Engine {
  const redactor = createRedactor();
  const common = { clock: systemClock, redactor, log: silentLog };
  return createEngine({
    ...common,
    socketPath: dockerd.socketPath,
    credentials: createCredentials({ ...common, files }),
    ...parts,
  });
}

async function pullFailure(engine: Engine, image: string): Promise<{ code: string; detail: string }> {
  return engine
    .pullImage(image, () => undefined, new AbortController().signal)
    .then(
      () => {
        throw new Error('the pull was expected to fail');
      },
      (error) => error.finding,
    );
}

describe('a pull from an open registry', () => {
  it('brings the image, with progress in bytes that never goes back', async () => {
    const image = `${open.host}/room/pull:1`;
    pulled.push(image);
    const engine = engineWith();
    const seen: PullProgress[] = [];
    await engine.pullImage(image, (progress) => seen.push(progress), new AbortController().signal);
    expect(await engine.imageId(image)).toMatch(/^sha256:/);
    const done = seen.map((progress) => progress.bytesDone);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    const last = seen.at(-1);
    expect(last?.phase).toBe('unpacking');
    expect(last?.bytesTotal).toBeGreaterThan(LAYER_BYTES);
    expect(last?.bytesDone).toBe(last?.bytesTotal);
    expect(last?.bytesUnpacked).toBe(last?.bytesTotal);
    expect(last?.share).toBe(1);
  });

  it('brings an image by its digest, and finds it by that', async () => {
    const image = `${open.host}/room/pull@${digest}`;
    pulled.push(image);
    const engine = engineWith();
    await engine.pullImage(image, () => undefined, new AbortController().signal);
    expect(await engine.imageId(image)).toMatch(/^sha256:/);
    expect(await engine.imageId(`${open.host}/room/pull:1@${digest}`)).toMatch(/^sha256:/);
  });

  it.each(['room/pull:no-such-tag', 'room/nothing:1'])(
    'of %s, which it has not, is named so',
    async (name) => {
      expect((await pullFailure(engineWith(), `${open.host}/${name}`)).code).toBe('image_not_found');
    },
  );

  it('that is down is named so', async () => {
    const image = `127.0.0.1:${await freePort()}/room/pull:1`;
    expect((await pullFailure(engineWith(), image)).code).toBe('registry_unreachable');
  });

  it('whose name cannot be resolved is named so', async () => {
    expect((await pullFailure(engineWith(), 'registry.invalid/a:1')).code).toBe('registry_unreachable');
  });

  it('that stops in the middle of a layer is given up as stalled', async () => {
    const proxy = await stallingProxy(open.port, 1024 * 1024);
    try {
      const pull = { ...PULL_LIMITS, downloadingMs: 1_500 };
      const failed = await pullFailure(engineWith([], { limits: { pull } }), `${proxy.host}/room/pull:1`);
      expect(failed.code).toBe('image_pull_stalled');
      expect(failed.detail).toContain('stood still');
    } finally {
      proxy.close();
    }
  });

  it('onto a full disk fails at once, and succeeds when there is space', async () => {
    const image = `${open.host}/room/pull:1`;
    pulled.push(image);
    const engine = engineWith();
    const scratch = join(dockerd.dataRoot, 'tmp');
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', scratch]);
    try {
      expect((await pullFailure(engine, image)).code).toBe('disk_full');
    } finally {
      await run('umount', [scratch]);
    }
    await engine.pullImage(image, () => undefined, new AbortController().signal);
  });

  it('is not begun without room for it', async () => {
    const stop = new AbortController().signal;
    const requiredBytes = Number.MAX_SAFE_INTEGER;
    const call = engineWith().pullImage(`${open.host}/room/pull:1`, () => undefined, stop, { requiredBytes });
    await expect(call).rejects.toMatchObject({
      finding: { code: 'disk_too_small', detail: expect.stringContaining(dockerd.dataRoot) },
    });
  });
});

describe('a pull from a registry with a password', () => {
  it('uses the login of the Docker config file', async () => {
    const image = `${guarded.host}/room/pull:1`;
    pulled.push(image);
    const engine = engineWith([join(guarded.dockerConfig, 'config.json')]);
    await engine.pullImage(image, () => undefined, new AbortController().signal);
    expect(await engine.imageId(image)).toMatch(/^sha256:/);
  });

  it('without a login is named so', async () => {
    expect((await pullFailure(engineWith(), `${guarded.host}/room/pull:1`)).code).toBe(
      'registry_login_failed',
    );
  });

  it('with a wrong password is named so, and the password is not told', async () => {
    const wrong = join(folder, 'wrong.json');
    const auth = Buffer.from(`${LOGIN.user}:wrong-password`).toString('base64');
    await writeFile(wrong, JSON.stringify({ auths: { [guarded.host]: { auth } } }));
    const failed = await pullFailure(engineWith([wrong]), `${guarded.host}/room/pull:1`);
    expect(failed.code).toBe('registry_login_failed');
    expect(JSON.stringify(failed)).not.toContain('wrong-password');
  });

  it('works as soon as the login was mended', async () => {
    const file = join(folder, 'config.json');
    const image = `${guarded.host}/room/pull:1`;
    pulled.push(image);
    const engine = engineWith([file]);
    await writeFile(file, '{}');
    expect((await pullFailure(engine, image)).code).toBe('registry_login_failed');
    const auth = Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString('base64');
    await writeFile(file, JSON.stringify({ auths: { [guarded.host]: { auth } } }));
    await engine.pullImage(image, () => undefined, new AbortController().signal);
    expect(await engine.imageId(image)).toMatch(/^sha256:/);
  });
});
