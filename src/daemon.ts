import { hostname } from 'node:os';
import { join } from 'node:path';
import { createChatKeeper } from './chat/keeper.ts';
import { nodeCron } from './chat/nightly.ts';
import { createComposeSource } from './compose/source.ts';
import { readInstallerStamp } from './deployment/installer-stamp.ts';
import { DeploymentMemorySchema, INITIAL_DEPLOYMENT, startDeployment } from './deployment/machine.ts';
import { createEngine } from './docker/client.ts';
import { createCredentials } from './docker/credentials.ts';
import { bootSeconds, readBootId } from './host/boot-id.ts';
import { createIdentityKeeper } from './host/identity-keeper.ts';
import { createKernelLog } from './host/kernel-log.ts';
import { createMetadataClient } from './host/metadata-client.ts';
import { createNotifier } from './host/systemd.ts';
import { type Clock, toTimestamp } from './lib/clock.ts';
import { removeUnfinished } from './lib/durable-file.ts';
import type { Log } from './lib/log.ts';
import type { Redactor } from './lib/redact.ts';
import { openStateStore } from './lib/state-store.ts';
import type { Settings } from './settings.ts';
import type { SettingsChange } from './settings-reload.ts';
import { withoutErrors } from './status/problem-record.ts';
import { readiness } from './status/readiness.ts';
import { createControl } from './wiring/control.ts';
import { createCredentialsKeeper } from './wiring/credentials.ts';
import { createDesiredState } from './wiring/desired-state.ts';
import { firstSteps } from './wiring/first-steps.ts';
import { createChatFollower } from './wiring/follow-services.ts';
import { createGpuRoom } from './wiring/gpu-room.ts';
import { createModelRoom } from './wiring/model-room.ts';
import { createReload } from './wiring/reload.ts';
import { createServicesRoom } from './wiring/services-room.ts';
import { createStatusSource } from './wiring/status-source.ts';
import { createTellers } from './wiring/tellers.ts';
import { createLiveness, feedWatchdog } from './wiring/watchdog.ts';

/** What the daemon is made of. */
export interface DaemonParts {
  settings: Settings;
  /** The daemon's own environment. */
  environment: Readonly<Record<string, string | undefined>>;
  version: string;
  clock: Clock;
  log: Log;
  redactor: Redactor;
  /** Reads the settings again; those that may change at run time are in `settings` and `environment` afterwards. */
  reloadSettings(): Promise<SettingsChange>;
}

/** The running daemon, for the process around it. */
export interface Daemon {
  /** Reads settings, hub token and compose file again; rejects with what is not in force, one line each, after telling it. */
  reload(): Promise<void>;
  /** Resolves when everything has ended after `signal`; containers go on running. Rejects with ListenError when it cannot listen. */
  run(signal: AbortSignal): Promise<void>;
}

/** Connects the rooms: settings → parts → run → stop. No room knows another; what one needs of another is passed on here. */
export async function createDaemon(parts: DaemonParts): Promise<Daemon> {
  const { settings, clock, redactor, environment } = parts;
  const log = withoutErrors(parts.log);
  const stateFile = join(settings.stateDirectory, 'state.json');
  const credentials = createCredentials({ clock, log, redactor, environment });
  const engine = createEngine({
    socketPath: settings.dockerSocket,
    clock,
    redactor,
    log,
    credentials,
    limits: { diskReserveBytes: settings.diskReserveBytes },
    claimedBytes: (directory) => modelRoom.claimedBytes(directory),
  });
  // Before anything is awaited: the engine answers while the files are read.
  engine.negotiate();
  await removeUnfinished(stateFile);
  const store = await openStateStore(stateFile, clock);
  const bootId = await readBootId();
  const moment = () => ({ at: toTimestamp(clock.now()), boot_id: bootId, uptime_seconds: bootSeconds() });

  const gpu = createGpuRoom({
    stateDirectory: settings.stateDirectory,
    bootId,
    uptimeSeconds: bootSeconds,
    kernelLog: createKernelLog(),
    processorWanted: settings.template === 'cpu',
    clock,
    log,
    onChange: () => {
      applyGates();
      publisher.touch();
    },
    onAnswer: () => void modelRoom.surroundings.refresh(),
    onName: (name) => care.setGpu(name),
  });
  const modelRoom = await createModelRoom({
    settings,
    environment,
    gpus: gpu.reader,
    instanceType: () => identity.identity().instance_type,
    redactor,
    clock,
    log,
  });
  const model = modelRoom.keeper;
  const chats = createChatKeeper({ clock, log, cron: nodeCron });
  const services = createServicesRoom({
    settings,
    environment,
    store,
    bootId,
    engine,
    gpu,
    model: modelRoom,
    redactor,
    clock,
    log,
    onChange: () => publisher.touch(),
    onGate: () => applyGates(),
  });
  const { supervisor, exposure, care } = services;
  const credentialsFile = createCredentialsKeeper({ user: settings.credentialsUser, log });

  const deployment = store.section('deployment', DeploymentMemorySchema, INITIAL_DEPLOYMENT);
  const stamp = await readInstallerStamp(join(settings.stateDirectory, 'installer-stamp'), log);
  // Not awaited: the store shows what cannot be written, and nothing that follows needs it on the disk.
  void deployment.set(startDeployment(deployment.get(), stamp, moment())).catch(() => undefined);

  const desired = createDesiredState({
    source: createComposeSource({
      file: settings.composeFile,
      environment,
      pinnedModelId: settings.pinnedModelId,
      clock,
      log,
    }),
    composeFile: settings.composeFile,
    pinnedModelId: settings.pinnedModelId,
    clock,
    log,
    redactor,
    onState: (state) => {
      source.setPaths([state.modelDirectory]);
      gpu.setProject(state.project);
      modelRoom.setState(state);
      credentialsFile.setProject(state.project);
      services.setState(state);
      applyGates();
      if (gpu.needed) void gpu.reader.read();
    },
    onChange: () => publisher.touch(),
  });

  const identity = createIdentityKeeper({
    client: createMetadataClient({ baseUrl: settings.metadataUrl, clock }),
    clock,
    log,
    hostname: hostname(),
    onChange: () => {
      void modelRoom.surroundings.refresh();
      publisher.touch();
    },
  });
  const source = createStatusSource({
    version: parts.version,
    clock,
    log,
    redactor,
    moment,
    settings,
    services: supervisor.snapshot,
    model: model.snapshot,
    load: care.load,
    loadSeconds: care.loadSeconds,
    chats: { snapshot: chats.snapshot, checked: chats.checked },
    deployment,
    identity,
    store,
    desiredProblems: desired.problems,
    installer: gpu.installer,
    exposure,
    gpus: gpu.watch,
  });

  const notifier = createNotifier(environment);
  const { publisher, motd } = createTellers({
    settings,
    clock,
    log,
    journal: parts.log,
    notifier,
    source,
    credentialsFile,
    published: () => supervisor.snapshot().published,
    publicAddresses: identity.publicAddresses,
  });

  const applyGates = () =>
    supervisor.setGates({ api: gpu.gate(model.snapshot().complete && !care.repairing()) });
  const livez = createLiveness(supervisor.lastTickAgeMs);

  /** Loaded late: its packages take as long to load as the engine takes to make a network, the first step after a boot. */
  const openApi = async () => {
    const { createApi } = await import('./api/server.ts');
    return createApi({
      current: publisher.current,
      ready: () => readiness(publisher.current()),
      livez,
      control: createControl({ supervisor, model, engine, publisher, reload }),
      listen: settings.listen,
      socketPath: settings.socketPath,
      clock,
      log,
    });
  };

  const connectRooms = () => {
    const followChats = createChatFollower(chats);
    supervisor.onChange((snapshot) => {
      modelRoom.surroundings.look(snapshot);
      followChats(snapshot);
      // Not in this turn: the call that starts a dead container again leaves first.
      setImmediate(publisher.touch);
    });
    model.onChange(() => {
      applyGates();
      publisher.touch();
    });
    chats.onChange(() => publisher.touch());
  };

  const reload = createReload({
    reloadSettings: parts.reloadSettings,
    refreshToken: modelRoom.refreshToken,
    desired,
    publisher,
    log,
    journal: parts.log,
  });

  return {
    reload,
    async run(signal) {
      connectRooms();
      await gpu.installer.refresh();
      void modelRoom.surroundings.refresh();
      await desired.reload();
      // The engine works while the login message is written and the port is opened.
      const supervised = services.run(signal);
      const told = publisher.publish();
      await firstSteps(supervisor, clock);
      const api = await openApi();
      await told;
      const { port } = await api.listen();
      log.info(`ai-sandbox ${parts.version} answers at http://${settings.listen.host}:${port}/status`);
      notifier.ready();
      await Promise.all([
        supervised,
        modelRoom.run(signal),
        chats.run(signal),
        identity.run(signal),
        motd.run(signal, publisher.current),
        gpu.run(signal, publisher.touch),
        desired.watch(signal),
        source.run(signal, publisher.touch),
        feedWatchdog({ notifier, alive: livez, clock }, signal),
      ]);
      notifier.stopping();
      await publisher.close();
      await api.close();
      await motd.end(publisher.current());
      await Promise.all([store.flush(), modelRoom.close(), notifier.flush(), services.close()]);
    },
  };
}
