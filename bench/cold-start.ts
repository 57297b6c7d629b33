/**
 * Two services with published ports on a new network, images present: how long until both run, by the engine's own
 * State.StartedAt, under ai-sandbox, docker compose, and a bare script of the same calls.
 *   scripts/with-node node bench/cold-start.ts [--rounds 20]     as root; docs/benchmarks.md
 */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { alternate, benchmark } from './lib/benchmark.ts';
import { prepareDaemon, shippedDaemon, start, temporaryFolder } from './lib/daemon.ts';
import {
  benchmarkEngine,
  composePeer,
  docker,
  freePorts,
  removeEverything,
  WEB_SERVER,
  wallNow,
} from './lib/engine.ts';
import { type EngineApi, startWithApi, stateOf } from './lib/engine-api.ts';
import { printHead, type Series } from './lib/report.ts';
import { startWithSupervisor } from './lib/running-daemon.ts';

const PROJECT = 'bench-cold-start';
const SERVICES = ['one', 'two'] as const;
const COMPOSE_RATIO_TARGET = 1.0;
const SCRIPT_RATIO_TARGET = 1.1;
const EXEC_RATIO_TARGET = 1.3;
/** After everything was removed the engine goes on clearing away. */
const REST_MS = 1_000;
const GIVE_UP_MS = 30_000;
/** Looking takes time from the engine, and what is read is its own record. */
const POLL_INTERVAL_MS = 250;

const run = promisify(execFile);

await benchmark(async (stage) => {
  const compose = await composePeer();
  const { engine, image, api } = await benchmarkEngine(stage);
  const { folder, remove } = await temporaryFolder('cold-start');
  stage.defer(remove);
  stage.defer(() => removeEverything(engine));
  const [version, composeVersion] = [
    await docker(engine, 'version', '-f', '{{.Server.Version}}'),
    (await run(compose, ['version', '--short'])).stdout.trim(),
  ];
  printHead(
    'Cold start of two services',
    [
      'A new network and two containers with a published port each, of one image that is there; everything is removed',
      `between rounds. Docker engine ${version}, docker compose ${composeVersion}.`,
      'Measured to the later State.StartedAt of the two, the engine’s own word, so that nobody’s way of looking counts.',
      'running daemon: the file is handed to a supervisor that is connected to the engine and has nothing to run;',
      'from exec: the shipped daemon, with its compile cache; bare script: the same API calls over one kept connection,',
      'create network, then create and start of both at the same time.',
    ],
    stage.rounds,
  );
  const [firstPort, secondPort, daemonPort = 0] = await freePorts(3);
  const ports = [firstPort ?? 0, secondPort ?? 0];
  const services = SERVICES.map((name, index) => [
    name,
    { image, command: WEB_SERVER, ports: [`127.0.0.1:${ports[index]}:80`] },
  ]);
  // JSON is YAML
  const composeText = JSON.stringify({ name: PROJECT, services: Object.fromEntries(services) });
  const composeFile = join(folder, 'docker-compose.yml');
  await writeFile(composeFile, composeText);
  const program = await shippedDaemon(folder);
  const daemonFolder = join(folder, 'daemon');

  const measure = async (begin: () => Promise<Begun>): Promise<number> => {
    await removeEverything(engine);
    await sleep(REST_MS);
    const { since, end } = await begin();
    try {
      return (await untilBothRun(api)) - since;
    } finally {
      await end();
    }
  };
  const times = await alternate(stage, {
    running: () =>
      measure(() => startWithSupervisor(engine.socketPath, composeFile, composeText, join(folder, 'state'))),
    exec: () =>
      measure(async () => {
        await rm(join(daemonFolder, 'state'), { recursive: true, force: true });
        await mkdir(daemonFolder, { recursive: true });
        const { dockerHost } = engine;
        const options = { folder: daemonFolder, composeText, port: daemonPort, dockerHost };
        const environment = await prepareDaemon(options);
        const since = wallNow();
        const daemon = start([program], environment);
        return { since, end: daemon.stop };
      }),
    compose: () =>
      measure(async () => {
        const since = wallNow();
        const env = { ...process.env, DOCKER_HOST: engine.dockerHost };
        await run(compose, ['-f', composeFile, 'up', '-d'], { env });
        return { since, end: async () => undefined };
      }),
    script: () =>
      measure(async () => {
        const since = wallNow();
        const containers = SERVICES.map((name, index) => ({
          name: `${PROJECT}-${name}-1`,
          port: ports[index] ?? 0,
        }));
        await startWithApi(engine.socketPath, `${PROJECT}_default`, image, WEB_SERVER, containers);
        return { since, end: async () => undefined };
      }),
  });
  const series = (name: string, values: number[]): Series => ({ name, unit: 'ms', values });
  const running = series('ai-sandbox, running daemon', times.running);
  const exec = series('ai-sandbox, from exec', times.exec);
  const peer = series('docker compose up -d', times.compose);
  const script = series('bare script of the same API calls', times.script);
  stage.report.series(running, exec, peer, script);
  stage.report.ratio('running daemon / docker compose', running, peer, COMPOSE_RATIO_TARGET);
  stage.report.ratio('running daemon / bare script', running, script, SCRIPT_RATIO_TARGET);
  stage.report.ratio('from exec / docker compose', exec, peer, EXEC_RATIO_TARGET);
});

/** A cold start under way: when it began, on the wall clock, and what ends its doer. */
interface Begun {
  since: number;
  end(): Promise<void>;
}

/** The later of the two times at which the engine has started them. */
async function untilBothRun(api: EngineApi): Promise<number> {
  const until = performance.now() + GIVE_UP_MS;
  while (performance.now() < until) {
    const states = await Promise.all(SERVICES.map((name) => stateOf(api, `${PROJECT}-${name}-1`)));
    if (states.every((state) => state?.running === true)) {
      return Math.max(...states.map((state) => state?.startedAt ?? Number.NaN));
    }
    await sleep(POLL_INTERVAL_MS);
  }
  throw new Error('the two services do not run');
}
