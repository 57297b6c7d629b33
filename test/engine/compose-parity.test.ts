import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ComposeProject, ServiceSpec } from '../../src/compose/service-spec.ts';
import { createComposeSource } from '../../src/compose/source.ts';
import { specHash } from '../../src/compose/spec-hash.ts';
import { compareVersions } from '../../src/docker/api-version.ts';
import { createEngine } from '../../src/docker/client.ts';
import { createRequest } from '../../src/docker/container-spec.ts';
import { noCredentials } from '../../src/docker/credentials.ts';
import type { Engine } from '../../src/docker/engine.ts';
import { networkLabels, volumeLabels } from '../../src/docker/labels.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';
import { documentedDifferences } from '../support/documented-differences.ts';
import { type PrivateEngine, privateEngine, tinyImage } from '../support/engine.ts';
import { type Difference, differences } from '../support/inspect-differences.ts';

const run = promisify(execFile);
const FIXTURES = fileURLToPath(new URL('../fixtures/compose/', import.meta.url));
const PEER = fileURLToPath(new URL('../../scripts/lib/docker-compose-peer', import.meta.url));
const FILES = (await readdir(FIXTURES)).filter((name) => name.endsWith('.yml')).sort();

/** The fixtures' image: it has a command, environment, volume and port of its own, so that "the image's" shows. */
const PARITY_IMAGE = 'ai-sandbox-test/parity:1';
const IMAGE_CHANGES = [
  'CMD ["sleep", "60"]',
  'ENV FROM_IMAGE=1 OVER=image',
  'VOLUME /from-image',
  'EXPOSE 7',
];

/** Making and removing the containers of a file twice, beside other work. */
const TEST_LIMIT_MS = 60_000;
/** Fetching docker compose from the distribution, and starting an engine. */
const PREPARE_LIMIT_MS = 360_000;

describe('a container made by us and by docker compose 2.40 from the same file', {
  timeout: TEST_LIMIT_MS,
}, () => {
  let engine: PrivateEngine;
  let client: Engine;
  let compose: string;
  let home: string;
  let imageId: string;
  let apiVersion: string;
  const seen = new Set<string>();

  beforeAll(async () => {
    engine = await privateEngine('test-compose-parity');
    const tiny = await tinyImage(engine);
    compose = (await run(PEER, [], { timeout: 300_000 })).stdout.trim();
    home = await mkdtemp(join(tmpdir(), 'compose-parity-'));
    await engine.docker(['create', '--name', 'base', tiny, 'true']);
    const changes = IMAGE_CHANGES.flatMap((change) => ['-c', change]);
    const committed = await engine.docker(['commit', ...changes, 'base', PARITY_IMAGE]);
    expect(committed.stderr).toBe('');
    imageId = committed.stdout.trim();
    await engine.docker(['rm', 'base']);
    await engine.docker(['network', 'create', 'parity-guest']);
    await engine.docker(['volume', 'create', 'parity-outside']);
    client = createEngine({
      socketPath: engine.socketPath,
      clock: systemClock,
      redactor: createRedactor(),
      log: silentLog,
      credentials: noCredentials,
    });
    apiVersion = (await client.info()).apiVersion;
  }, PREPARE_LIMIT_MS);

  afterAll(async () => {
    await rm(home, { recursive: true, force: true });
  });

  /** A copy of a fixture with its environment files: docker compose creates the directories that a file names. */
  async function projectDirectory(fixture: string): Promise<string> {
    const directory = join(home, fixture.replace(/^\d+-(.*)\.yml$/, 'parity-$1'));
    await mkdir(join(directory, 'there'), { recursive: true });
    await cp(join(FIXTURES, fixture), join(directory, 'docker-compose.yml'));
    for (const [from, to] of [
      ['dot.env', '.env'],
      ['values.env', 'values.env'],
      ['more.env', 'more.env'],
    ])
      await cp(join(FIXTURES, from ?? ''), join(directory, to ?? ''));
    return directory;
  }

  async function withCompose(directory: string, args: string[]): Promise<void> {
    // an environment of its own: names of this shell would win over those of the .env
    const env = { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: engine.dockerHost };
    await run(compose, ['-f', join(directory, 'docker-compose.yml'), ...args], { env, timeout: 120_000 });
  }

  async function load(directory: string): Promise<ComposeProject> {
    const source = createComposeSource({
      file: join(directory, 'docker-compose.yml'),
      environment: { HOME: home },
      pinnedModelId: null,
      clock: systemClock,
      log: silentLog,
    });
    const result = await source.load();
    if ('errors' in result) throw new Error(JSON.stringify(result.errors, null, 2));
    return result.project;
  }

  /** The API version that an engine needs for a fixture, where its first line names one. */
  async function wantedApi(fixture: string): Promise<string> {
    const text = await readFile(join(FIXTURES, fixture), 'utf8');
    return /^# wants engine API (\d+\.\d+)$/m.exec(text)?.[1] ?? '0.0';
  }

  /** On an older engine there is nothing to compare: docker compose makes no container and says which engine it wants; we do. */
  async function isRefused(directory: string, project: ComposeProject): Promise<void> {
    await expect(withCompose(directory, ['create'])).rejects.toThrow(/require Docker Engine v\d+ or later/);
    await removeAll(project, directory);
    await createOurs(project);
    expect((await inspectAll(project)).containers.size).toBe(project.services.length);
    await removeAll(project, directory);
  }

  /** Makes networks, volumes and containers as the daemon does, peers before those that share their network. */
  async function createOurs(project: ComposeProject): Promise<void> {
    for (const network of project.networks.filter((candidate) => !candidate.external))
      await client.createNetwork(network.name, network.driver, networkLabels(project, network.key));
    for (const volume of project.volumes.filter((candidate) => !candidate.external))
      await client.createVolume({ ...volume, labels: volumeLabels(project, volume.key) });
    for (const service of project.services)
      await client.createContainer(
        createRequest(project, service, specHash(project, service), { apiVersion, imageId }),
      );
  }

  interface Inspected {
    containers: Map<string, unknown>;
    networks: Map<string, unknown>;
    volumes: Map<string, unknown>;
    /** Container id → name. */
    names: Map<string, string>;
  }

  async function inspectAll(project: ComposeProject): Promise<Inspected> {
    const inspect = async (kind: string, names: string[]) => {
      if (names.length === 0) return new Map<string, unknown>();
      const answer = await engine.docker(['inspect', '--type', kind, ...names]);
      expect(answer.stderr).toBe('');
      const values: unknown[] = JSON.parse(answer.stdout);
      return new Map(names.map((name, index): [string, unknown] => [name, values[index]]));
    };
    const own = <T extends { external: boolean; name: string }>(all: T[]) =>
      all.filter((one) => !one.external).map((one) => one.name);
    const containers = await inspect(
      'container',
      project.services.map((service) => service.containerName),
    );
    const names = new Map([...containers].map(([name, value]): [string, string] => [idOf(value), name]));
    return {
      containers,
      networks: await inspect('network', own(project.networks)),
      volumes: await inspect('volume', own(project.volumes)),
      names,
    };
  }

  function idOf(value: unknown): string {
    return typeof value === 'object' && value !== null && 'Id' in value ? String(value.Id) : '';
  }

  async function removeAll(project: ComposeProject, directory: string): Promise<void> {
    await withCompose(directory, ['down', '--volumes', '--timeout', '0']);
    const names = project.services.map((service) => service.containerName);
    await engine.docker(['rm', '-f', '-v', ...names]);
  }

  /** Every field that differs, with the kind of object before those of networks and volumes. */
  function compare(ours: Inspected, theirs: Inspected): (Difference & { of: string })[] {
    const names = new Map([...ours.names, ...theirs.names]);
    const each = (prefix: string, left: Map<string, unknown>, right: Map<string, unknown>) =>
      [...right].flatMap(([name, value]) =>
        differences(left.get(name), value, names).map((difference) => ({
          ...difference,
          field: prefix + difference.field,
          of: name,
        })),
      );
    return [
      ...each('', ours.containers, theirs.containers),
      ...each('network: ', ours.networks, theirs.networks).filter((one) => !/IPAM/.test(one.field)),
      ...each('volume: ', ours.volumes, theirs.volumes),
    ];
  }

  it.each(FILES)('has only the documented differences: %s', async (fixture) => {
    const directory = await projectDirectory(fixture);
    const project = await load(directory);
    const wanted = await wantedApi(fixture);
    if (compareVersions(apiVersion, wanted) < 0) return isRefused(directory, project);
    await withCompose(directory, ['create']);
    const theirs = await inspectAll(project);
    await removeAll(project, directory);
    await createOurs(project);
    const ours = await inspectAll(project);
    await removeAll(project, directory);

    const found = compare(ours, theirs);
    for (const difference of found) seen.add(difference.field);
    const documented = documentedDifferences().map((row) => row.field);
    expect(found.filter((difference) => !documented.includes(difference.field))).toEqual([]);
  });

  it('documents no difference that is none', () => {
    expect(documentedDifferences().map((row) => row.field)).toEqual(
      documentedDifferences()
        .map((row) => row.field)
        .filter((field) => seen.has(field)),
    );
  });

  it('is shown by docker compose as one of its own', async () => {
    const directory = await projectDirectory('08-networks.yml');
    const project = await load(directory);
    await createOurs(project);
    const env = { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: engine.dockerHost };
    const projects = await run(compose, ['ls', '--all', '--format', 'json'], { env });
    const file = join(directory, 'docker-compose.yml');
    expect(JSON.parse(projects.stdout)).toContainEqual({
      Name: 'parity-networks',
      Status: 'created(3)',
      ConfigFiles: file,
    });
    const services = await run(compose, ['-f', file, 'ps', '--all', '--services'], { env });
    expect(services.stdout.trim().split('\n').sort()).toEqual(['listed', 'many', 'plain']);
    await removeAll(project, directory);
  });

  it('starts, and its lines are read by docker compose logs', async () => {
    const directory = await projectDirectory('02-bare.yml');
    const project = await load(directory);
    const speaking = project.services.map(
      (service): ServiceSpec => ({ ...service, command: ['echo', 'from inside'] }),
    );
    await createOurs({ ...project, services: speaking });
    const started = await engine.docker(['start', '--attach', 'parity-bare-only-1']);
    expect(started).toMatchObject({ code: 0 });
    const env = { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: engine.dockerHost };
    const file = join(directory, 'docker-compose.yml');
    const logs = await run(compose, ['-f', file, 'logs', '--no-color'], { env });
    expect(logs.stdout).toContain('from inside');
    await removeAll(project, directory);
  });
});
