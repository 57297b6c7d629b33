import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';
import { buildStandIns } from '../images/build-stand-ins.ts';
import { type RunningHub, startHub } from '../stand-ins/hub/hub.ts';
import { type Content, repositoryFrom } from '../stand-ins/hub/repository.ts';
import { STAGE_MODEL, tinyContents } from '../support/daemon-stage.ts';
import { type PrivateEngine, privateEngine } from '../support/engine.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { engineImage } from './engine-image.ts';
import { type Gate, openGate } from './gate.ts';
import { bootMachine, type Machine, type MachineOptions } from './machine.ts';
import { rootImage } from './root-image.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Root file system, engine, images, package: on a computer with nothing cached. */
const STAGE_LIMIT_MS = 900_000;
const END_LIMIT_MS = 120_000;
const BUILD_DEB_LIMIT_MS = 300_000;
/** Space that a test leaves on the disk, instead of the 5 GiB of a server. */
const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
/** Where the package and the script lie in a machine. */
export const PACKAGE_PATH = '/root/ai-sandbox.deb';
export const SCRIPT_PATH = '/root/StackScript';

/** The computers around the machines of one test file: an engine they run on, a registry and a hub they download from. */
export interface InstanceStage {
  readonly engine: PrivateEngine;
  /** What the machines' hub has is {@link STAGE_MODEL}. */
  readonly hub: RunningHub;
  /** The ways to the hub and to the registry, to slow down and to shut. */
  readonly hubGate: Gate;
  readonly registryGate: Gate;
  /** Names under which a machine pulls the stand-ins from the registry. */
  readonly images: { api: string; ui: string };
  /** The package made of this checkout. */
  readonly packagePath: string;
  /**
   * Boots a machine that reaches registry and hub of this stage on its own loopback, where plain HTTP is allowed, and whose
   * daemon, once installed, is told so. `bare` is a Debian with nothing installed; else Docker is there, never started.
   * `processorWanted`: it has no GPU, and its settings say that this is as it should be.
   */
  machine(
    name: string,
    options?: Omit<MachineOptions, 'image'> & { bare?: boolean; image?: string; processorWanted?: boolean },
  ): Promise<Machine>;
  /** Copies the package into a machine and installs it, with the stage's model in `.env`. */
  installPackage(machine: Machine, path?: string): Promise<void>;
}

/** Registers the stage for all tests of a file, with an engine of its own. */
export function instanceStage(
  options: {
    files?: Record<string, Content>;
    throttle?: number;
    /** The model is gated: its files are only for these tokens, with the models that each may read. */
    gatedFor?: Record<string, string[]>;
  } = {},
): InstanceStage {
  let engine: PrivateEngine;
  let registry: Registry;
  let hub: RunningHub;
  let hubGate: Gate;
  let registryGate: Gate;
  let images: InstanceStage['images'];
  let packagePath: string;
  let scratch: string;
  const machines: Machine[] = [];

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'instance-'));
    packagePath = await buildPackage(scratch);
    engine = await privateEngine('test-instance');
    registry = await startRegistry();
    images = await pushStandIns(engine, registry);
    const { files = tinyContents(), throttle, gatedFor } = options;
    const model = await repositoryFrom(STAGE_MODEL, files);
    hub = await startHub({
      models: [gatedFor === undefined ? model : { ...model, gated: 'auto' }],
      ...(gatedFor === undefined ? {} : { tokens: gatedFor }),
      ...(throttle === undefined ? {} : { throttle }),
    });
    const gateway = await gatewayOf(engine);
    hubGate = await openGate(gateway, portOf(hub), portOf(hub));
    registryGate = await openGate(gateway, registry.port, registry.port);
  }, STAGE_LIMIT_MS);

  afterAll(async () => {
    await Promise.all(machines.map((machine) => machine.remove()));
    await hubGate?.close();
    await registryGate?.close();
    await hub?.close();
    await registry?.remove();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }, END_LIMIT_MS);

  return {
    get engine() {
      return engine;
    },
    get hub() {
      return hub;
    },
    get hubGate() {
      return hubGate;
    },
    get registryGate() {
      return registryGate;
    },
    get images() {
      return images;
    },
    get packagePath() {
      return packagePath;
    },
    async machine(name, { bare = false, image, processorWanted = false, ...more } = {}) {
      const suite = more.suite ?? 'bookworm';
      const base = bare ? await rootImage(engine, suite) : await engineImage(engine, suite);
      const machine = await bootMachine(engine, name, { ...more, image: image ?? base });
      machines.push(machine);
      await connectWorld(machine, [hubGate, registryGate]);
      await configureDaemon(machine, {
        HF_ENDPOINT: `http://127.0.0.1:${portOf(hub)}`,
        ...(processorWanted ? { AI_SANDBOX_TEMPLATE: 'cpu' } : {}),
      });
      await machine.write(
        '/opt/ai-sandbox/.env',
        `API_IMAGE=${images.api}\nUI_IMAGE=${images.ui}\nUI_OFFLINE_MODE=true\n`,
        '0600',
      );
      return machine;
    },
    async installPackage(machine, path = packagePath) {
      const environment = '/opt/ai-sandbox/.env';
      await machine.must(
        `grep -q ^MODEL_ID= ${environment} || echo 'MODEL_ID=${STAGE_MODEL}' >>${environment}`,
      );
      await machine.copyIn(path, PACKAGE_PATH);
      await machine.must(
        `DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGE_PATH}`,
      );
    },
  };
}

/** The package of this checkout: AI_SANDBOX_TEST_DEB where `scripts/test` has made it, else made here. */
async function buildPackage(folder: string): Promise<string> {
  const made = process.env['AI_SANDBOX_TEST_DEB'];
  if (made !== undefined && made !== '') return made;
  const { stdout } = await run(join(repository, 'scripts/build-deb'), ['--fast', '--out', folder], {
    timeout: BUILD_DEB_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim().split('\n').at(-1) ?? '';
}

/** Puts the stand-ins into the registry; a machine pulls them by the same names, through a port of its own loopback. */
async function pushStandIns(engine: PrivateEngine, registry: Registry): Promise<InstanceStage['images']> {
  const made = await buildStandIns({ dockerHost: engine.dockerHost });
  const push = async (from: string, name: string): Promise<string> => {
    const to = `${registry.host}/stand-in/${name}:1`;
    for (const args of [
      ['tag', from, to],
      ['push', '-q', to],
      ['rmi', to], // only the name
    ]) {
      const result = await engine.docker(args, { timeoutMs: 120_000 });
      if (result.code !== 0) throw new Error(`docker ${args.join(' ')}: ${result.stderr}`);
    }
    return to;
  };
  return { api: await push(made.api, 'vllm'), ui: await push(made.ui, 'open-webui') };
}

async function gatewayOf(engine: PrivateEngine): Promise<string> {
  const format = '{{(index .IPAM.Config 0).Gateway}}';
  const found = await engine.docker(['network', 'inspect', '-f', format, 'bridge']);
  const gateway = found.stdout.trim();
  if (found.code !== 0 || gateway === '')
    throw new Error(`the engine's bridge has no address: ${found.stderr}`);
  return gateway;
}

function portOf(hub: RunningHub): number {
  return Number(new URL(hub.url).port);
}

/** Gates are reached on the machine's own loopback under the same port; what is shut or cut off refuses there too. */
async function connectWorld(machine: Machine, gates: readonly Gate[]): Promise<void> {
  for (const { address, port } of gates) {
    const unit = `/etc/systemd/system/outside-${port}`;
    await machine.write(
      `${unit}.socket`,
      `[Socket]\nListenStream=127.0.0.1:${port}\n[Install]\nWantedBy=sockets.target\n`,
    );
    await machine.write(
      `${unit}.service`,
      `[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd ${address}:${port}\n`,
    );
    await machine.must(`systemctl -q enable --now outside-${port}.socket`);
  }
}

/** A drop-in, so that `/etc/default/ai-sandbox` is the package's own. */
async function configureDaemon(machine: Machine, more: Record<string, string>): Promise<void> {
  const settings = {
    ...more,
    AI_SANDBOX_DISK_RESERVE_BYTES: String(DISK_RESERVE_BYTES),
    AI_SANDBOX_METADATA_URL: 'http://127.0.0.1:9',
  };
  const lines = Object.entries(settings).map(([name, value]) => `Environment=${name}=${value}\n`);
  await machine.write(
    '/etc/systemd/system/ai-sandbox.service.d/50-test.conf',
    // Under its sandbox it has a /proc of its own.
    `[Service]\n${lines.join('')}BindReadOnlyPaths=/run/boot-id:/proc/sys/kernel/random/boot_id\n`,
  );
}
