import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { createChatKeeper } from './chat/keeper.ts';
import { nodeCron } from './chat/nightly.ts';
import { chatMountOf } from './chat/persistence.ts';
import { applyOverrides } from './compose/overrides.ts';
import { flagValue, servedModelName } from './compose/served-model.ts';
import { createComposeSource } from './compose/source.ts';
import { specHash } from './compose/spec-hash.ts';
import { readInstallerStamp } from './deployment/installer-stamp.ts';
import { createLogFiles } from './deployment/log-files.ts';
import { consoleLines } from './deployment/log-lines.ts';
import { DeploymentMemorySchema, INITIAL_DEPLOYMENT, startDeployment } from './deployment/machine.ts';
import { diagnose } from './diagnosis/diagnose.ts';
import { createEngine } from './docker/client.ts';
import { createRequest } from './docker/container-spec.ts';
import { createCredentials } from './docker/credentials.ts';
import { bootSeconds, readBootId } from './host/boot-id.ts';
import { createConsole } from './host/console.ts';
import { createGpuReader, systemGpuParts } from './host/gpu-reader.ts';
import { machineAddress } from './host/identity.ts';
import { createIdentityKeeper } from './host/identity-keeper.ts';
import { createKernelLog } from './host/kernel-log.ts';
import { createMetadataClient } from './host/metadata-client.ts';
import { statusLine } from './host/status-line.ts';
import { createNotifier } from './host/systemd.ts';
import { type Clock, toTimestamp } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { Redactor } from './lib/redact.ts';
import { openStateStore } from './lib/state-store.ts';
import { deleteDamagedFiles } from './model/damaged-files.ts';
import { createHub } from './model/hub.ts';
import { createModelKeeper } from './model/keeper.ts';
import { createLoadMemory, LoadTimesSchema } from './model/load-times.ts';
import { createTokenSource } from './model/token.ts';
import { EMPTY_MEMORY, ServicesMemorySchema } from './services/memory.ts';
import { createProbes } from './services/probes.ts';
import { createSupervisor } from './services/supervisor.ts';
import type { Settings } from './settings.ts';
import type { SettingsChange } from './settings-reload.ts';
import { createProblemJournal, problemRecord, withoutErrors } from './status/problem-record.ts';
import { createPublisher } from './status/publisher.ts';
import { readiness } from './status/readiness.ts';
import type { Status } from './status/schema.ts';
import { createControl } from './wiring/control.ts';
import { createCredentialsKeeper } from './wiring/credentials.ts';
import { createDesiredState } from './wiring/desired-state.ts';
import { createEngineCare, type EngineCare, pageAccount } from './wiring/engine-care.ts';
import { readRevision } from './wiring/engine-options.ts';
import { createEngineSupport } from './wiring/engine-support.ts';
import { createExposure, ExposureMemorySchema, UNEXPOSED } from './wiring/exposure.ts';
import { apiGate, createGpuGate, needsGpu } from './wiring/gpu-gate.ts';
import { createGpuWatch } from './wiring/gpu-watch.ts';
import { createInstallerWatch } from './wiring/installer-watch.ts';
import { createLoginMessage } from './wiring/login-message.ts';
import { createModelSurroundings } from './wiring/model-surroundings.ts';
import { createOomKills } from './wiring/oom-kills.ts';
import { createOverrides, OverridesSchema } from './wiring/overrides.ts';
import { createPageQuestion } from './wiring/page-question.ts';
import { createStatusSource } from './wiring/status-source.ts';

/** The loop looks at least every 5 s; a look older than this means that it is stuck. */
const STUCK_AFTER_MS = 30_000;

/** An engine that is there has been asked for the first container by then. */
const FIRST_STEPS_MS = 50;

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
  const store = await openStateStore(join(settings.stateDirectory, 'state.json'), clock);
  const bootId = await readBootId();
  const moment = () => ({ at: toTimestamp(clock.now()), boot_id: bootId, uptime_seconds: bootSeconds() });

  const token = createTokenSource({
    file: settings.hubTokenFile,
    credentialsDirectory: environment['CREDENTIALS_DIRECTORY'] ?? null,
    get environment() {
      return settings.hubToken;
    },
    clock,
    log,
  });
  await token.refresh();
  redactor.learn([token.current(), settings.hubToken]);

  const credentials = createCredentials({ clock, log, redactor, environment });
  const engine = createEngine({
    socketPath: settings.dockerSocket,
    clock,
    redactor,
    log,
    credentials,
    limits: { diskReserveBytes: settings.diskReserveBytes },
  });
  const hub = createHub({
    endpoint: settings.hubEndpoint,
    token: token.current,
    clock,
    caFile: settings.hubCaFile,
  });
  const gpuReader = createGpuReader(systemGpuParts(clock));
  const surroundings = createModelSurroundings({
    gpus: gpuReader,
    engine,
    instanceType: () => identity.identity().instance_type,
    onChange: () => model.surroundingsChanged(),
  });
  const model = createModelKeeper({
    hub,
    clock,
    log,
    reserveBytes: settings.diskReserveBytes,
    bytesPerSecond: settings.downloadBytesPerSecond,
    surroundings: surroundings.get,
  });
  const chats = createChatKeeper({ clock, log, cron: nodeCron });
  const oomKills = createOomKills({ kernelLog: createKernelLog(), uptimeSeconds: bootSeconds, clock });
  const supervisor = createSupervisor({
    engine,
    clock,
    log,
    memory: store.section('services', ServicesMemorySchema, EMPTY_MEMORY),
    specHash,
    createRequest,
    applyOverrides,
    probes: createProbes({
      redactor,
      clock,
      pageModel: () => care.servedModel(),
      pageAccount: ({ service }) => pageAccount(service),
      servedModelName: ({ service }) => servedModelName(service),
      apiKey: ({ service }) =>
        flagValue(service.command ?? [], '--api-key') ?? service.environment['VLLM_API_KEY'],
    }),
    bootId: bootId ?? 'unknown',
    settings: { silenceLimitMs: settings.silenceLimitMs },
    onRun: (service, notice) => care.onRun(service, notice),
    onLogLine: (service, line) => care.onLogLine(service, line),
    diagnose,
    ranOutOfMemory: oomKills.explains,
    heal: (service, heal) => care.heal(service, heal),
  });
  const exposure = createExposure({
    memory: store.section('exposure', ExposureMemorySchema, UNEXPOSED),
    ask: createPageQuestion(),
    clock,
    log,
    apply: supervisor.setDesired,
  });
  const care: EngineCare = createEngineCare({
    clock,
    log,
    overrides: createOverrides(store.section('overrides', OverridesSchema, []), log),
    loadTimes: createLoadMemory(store.section('load_times', LoadTimesSchema, {})),
    deleteDamaged: deleteDamagedFiles,
    fetchModel: model.retry,
    onMove: () => supervisor.noteProgress('api'),
    onChange: () => publisher.touch(),
    onDesired: exposure.setDesired,
    onGate: () => applyGates(),
  });
  const credentialsFile = createCredentialsKeeper({ user: settings.credentialsUser, log });
  const support = createEngineSupport({ engine, log, onFinding: supervisor.setEngineBlocked });

  const deployment = store.section('deployment', DeploymentMemorySchema, INITIAL_DEPLOYMENT);
  const stamp = await readInstallerStamp(join(settings.stateDirectory, 'installer-stamp'), log);
  await deployment.set(startDeployment(deployment.get(), stamp, moment())).catch(() => undefined);

  let apiNeedsGpu = false;
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
      apiNeedsGpu = state.project.services.some((service) => service.name === 'api' && needsGpu(service));
      surroundings.setProject(state.project);
      const api = state.project.services.find((service) => service.name === 'api');
      const revision = api === undefined ? null : readRevision(api);
      model.setWanted({
        text: state.modelId,
        directory: state.modelDirectory,
        ...(revision === null ? {} : { revision }),
      });
      credentialsFile.setProject(state.project);
      exposure.setDesired(care.setFiles(state));
      applyGates();
      if (apiNeedsGpu) void gpuReader.read().then(({ gpus }) => care.setGpu(gpus?.[0]?.name ?? null));
    },
    onChange: () => publisher.touch(),
  });

  const identity = createIdentityKeeper({
    client: createMetadataClient({ baseUrl: settings.metadataUrl, clock }),
    clock,
    log,
    hostname: hostname(),
    onChange: () => {
      void surroundings.refresh();
      publisher.touch();
    },
  });
  const installer = createInstallerWatch({
    path: join(settings.stateDirectory, 'installer-steps.jsonl'),
    bootId,
    gpuAnswers: () => gpuGate.answers(),
    clock,
    log,
    onChange: () => {
      applyGates();
      publisher.touch();
    },
  });
  const gpuGate = createGpuGate({
    ask: async () => ((await gpuReader.read()).gpus ?? []).length > 0,
    clock,
    onAnswer: () => {
      log.info('the GPU answers');
      void installer.refresh();
      void surroundings.refresh();
      applyGates();
    },
  });
  const gpuWatch = createGpuWatch({
    reader: gpuReader,
    kernelLog: createKernelLog(),
    uptimeSeconds: bootSeconds,
    matters: () => apiNeedsGpu && installer.verdict().driver === 'not_awaited',
    clock,
    log,
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
    installer,
    exposure,
    gpus: gpuWatch,
  });

  const notifier = createNotifier(environment);
  const motd = createLoginMessage({
    path: settings.motdFile,
    clock,
    options: () => ({
      envFile: join(dirname(settings.composeFile), '.env'),
      credentialsFile: credentialsFile.path(),
      motdFile: settings.motdFile,
      ssh: `${settings.credentialsUser ?? 'root'}@${machineAddress({ publicAddresses: identity.publicAddresses() }) ?? 'THIS_SERVER'}`,
      logDirectory: settings.logDirectory,
      listen: `${settings.listen.host}:${settings.listen.port}`,
      published: supervisor.snapshot().published,
    }),
  });
  const machineConsole = createConsole(settings.console, log);
  let told: Status | null = null;
  const logFiles = createLogFiles({ directory: settings.logDirectory, clock });
  const problemJournal = createProblemJournal(parts.log, clock);
  const publisher = createPublisher({
    assemble: source.assemble,
    sinks: [
      async (status, change) => source.setFinding('motd', await motd.show(status, change)),
      async (status) => source.setFinding('credentials', await credentialsFile.write(status)),
      async (status) => {
        const lines = consoleLines(told, status);
        told = status;
        await machineConsole.write(lines);
      },
      async (status) => source.setFinding('logs', await logFiles.write(status)),
      async (status) => notifier.status(statusLine(status)),
      async (status) => problemJournal(status),
    ],
    clock,
    log,
  });

  const applyGates = () => {
    const { driver } = installer.verdict();
    gpuGate.setAwaited(apiNeedsGpu && driver !== 'not_awaited');
    const api = apiGate({
      modelComplete: model.snapshot().complete && !care.repairing(),
      needsGpu: apiNeedsGpu,
      gpuAnswers: gpuGate.answers(),
      driver,
    });
    supervisor.setGates({ api });
  };
  const livez = () => {
    const ageMs = supervisor.lastTickAgeMs();
    return ageMs < STUCK_AFTER_MS
      ? { ok: true, detail: 'ok' }
      : { ok: false, detail: `the loop has not moved for ${Math.round(ageMs / 1000)} s` };
  };

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

  /** Until the engine has shown a container, or has been asked to do what comes before one. */
  const firstSteps = () => {
    const shown = Promise.withResolvers<void>();
    const stop = supervisor.onChange(({ services }) => {
      if (Object.values(services).some((service) => service.container_id !== null)) shown.resolve();
    });
    return Promise.race([shown.promise, clock.sleep(FIRST_STEPS_MS)]).finally(stop);
  };

  const connectRooms = () => {
    let uiExits = 0;
    supervisor.onChange((snapshot) => {
      support.look(snapshot.docker);
      surroundings.look(snapshot);
      exposure.look(snapshot);
      const ui = snapshot.services['ui'];
      // Between create and inspect nothing is known of the mounts of a new container.
      if (ui?.started_at != null) chats.setMount(chatMountOf(snapshot.mounts['ui'] ?? []));
      const exits = ui?.restarts ?? 0;
      chats.setPageReady(ui?.ready === true);
      if (exits !== uiExits) chats.checkSoon();
      uiExits = exits;
      // Not in this turn: the call that starts a dead container again leaves first.
      setImmediate(publisher.touch);
    });
    model.onChange(() => {
      applyGates();
      publisher.touch();
    });
    chats.onChange(() => publisher.touch());
  };

  const feedWatchdog = async (signal: AbortSignal) => {
    const intervalMs = notifier.watchdogIntervalMs;
    while (intervalMs !== null && !signal.aborted) {
      if (livez().ok) notifier.watchdog();
      await clock.sleep(intervalMs, signal).catch(() => undefined);
    }
  };

  const refreshToken = () => {
    redactor.learn([token.current()]);
    model.tokenChanged();
  };

  const reload = async () => {
    const { applied, complaints } = await parts.reloadSettings();
    if (await token.refresh()) refreshToken();
    await desired.reload();
    await publisher.publish();
    const all = [...complaints, ...desired.problems().map(({ title, detail }) => `${title}: ${detail}`)];
    log.info(
      `settings, hub token and compose file were read again; settings that changed: ${applied.join(', ') || 'none'}`,
    );
    if (all.length === 0) return;
    parts.log.error(problemRecord({ code: 'reload_failed', detail: all.join('; ') }));
    throw new Error(all.join('\n'));
  };

  return {
    reload,
    async run(signal) {
      connectRooms();
      await installer.refresh();
      void surroundings.refresh();
      await desired.reload();
      // The engine works while the login message is written and the port is opened.
      const supervised = supervisor.run(signal);
      await publisher.publish();
      await firstSteps();
      const api = await openApi();
      const { port } = await api.listen();
      log.info(`ai-sandbox ${parts.version} answers at http://${settings.listen.host}:${port}/status`);
      notifier.ready();
      await Promise.all([
        supervised,
        model.run(signal),
        chats.run(signal),
        identity.run(signal),
        installer.run(signal),
        exposure.run(signal),
        motd.run(signal, publisher.current),
        gpuGate.run(signal),
        gpuWatch.run(signal, publisher.touch),
        care.run(signal),
        token.watch(signal, refreshToken),
        desired.watch(signal),
        source.run(signal, publisher.touch),
        feedWatchdog(signal),
      ]);
      notifier.stopping();
      await publisher.close();
      await api.close();
      await motd.end(publisher.current());
      await Promise.all([store.flush(), hub.close(), notifier.flush(), oomKills.close()]);
    },
  };
}
