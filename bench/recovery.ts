/**
 * The process of a container is killed from the host (SIGKILL): how long until it answers again on its published port,
 * under ai-sandbox and under Docker's own `restart: always`.
 *   scripts/with-node node bench/recovery.ts [--rounds 20]     as root; docs/benchmarks.md
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, benchmark, type Stage } from './lib/benchmark.ts';
import { answersOk, prepareDaemon, shippedDaemon, start, temporaryFolder, untilOk } from './lib/daemon.ts';
import {
  benchmarkEngine,
  docker,
  freePorts,
  type PrivateEngine,
  removeEverything,
  WEB_PATH,
  WEB_SERVER,
  wallNow,
} from './lib/engine.ts';
import { type EngineApi, stateOf } from './lib/engine-api.ts';
import { printHead, type Series } from './lib/report.ts';

const PROJECT = 'bench-recovery';
const PEER_NETWORK = 'bench-recovery-peer';
const TARGET = 1.0;
/** What a recovery leaves behind (evidence, records, logs) is done before the other side is measured. */
const REST_MS = 1_000;

/** Milliseconds from the kill. */
interface Recovery {
  /** To HTTP 200 on the published port. */
  answered: number;
  /** To the moment the engine calls its start. */
  started: number;
}

await benchmark(async (stage) => {
  const { engine, image, api } = await benchmarkEngine(stage);
  const version = await docker(engine, 'version', '-f', '{{.Server.Version}}');
  printHead(
    'Crash of a container to running again',
    [
      'ai-sandbox as shipped, and `docker run --restart always`: the same image, command, kind of network and',
      `published port on one Docker engine (${version}). Each container is killed once, by SIGKILL of its process`,
      'from the host, because `docker kill` would switch the restart policy off; so every crash is a first one.',
    ],
    stage.rounds,
  );
  const rounds = stage.rounds + 1;
  const ports = await freePorts(2 * rounds + 1);
  const daemonPort = ports.pop() ?? 0;
  const [oursPorts, peerPorts] = [ports.slice(0, rounds), ports.slice(rounds)];
  stage.defer(() => removeEverything(engine));
  await startOurs(stage, engine, image, oursPorts, daemonPort);
  await startPeers(engine, image, peerPorts);
  for (const port of [...oursPorts, ...peerPorts]) await untilOk(port, WEB_PATH, performance.now());

  const { ours, peer } = await alternate(stage, {
    ours: (round) => crash(api, `${PROJECT}-s${round}-1`, oursPorts[round] ?? 0),
    peer: (round) => crash(api, `${PROJECT}-peer-${round}`, peerPorts[round] ?? 0),
  });
  const series = (name: string, runs: Recovery[], key: keyof Recovery): Series => ({
    name,
    unit: 'ms',
    values: runs.map((run) => run[key]),
  });
  const answered = [
    series('ai-sandbox: kill to HTTP 200', ours, 'answered'),
    series('restart: always: kill to HTTP 200', peer, 'answered'),
  ] as const;
  stage.report.series(...answered);
  stage.report.ratio('ai-sandbox / restart: always', ...answered, TARGET);
  stage.report.series(
    series('ai-sandbox: kill to the State.StartedAt after it', ours, 'started'),
    series('restart: always: kill to the State.StartedAt after it', peer, 'started'),
  );
});

async function startOurs(
  stage: Stage,
  engine: PrivateEngine,
  image: string,
  ports: number[],
  daemonPort: number,
): Promise<void> {
  const { folder, remove } = await temporaryFolder('recovery');
  stage.defer(remove);
  const services = ports.map((port, round) => [
    `s${round}`,
    { image, command: WEB_SERVER, ports: [`127.0.0.1:${port}:80`] },
  ]);
  // JSON is YAML
  const composeText = JSON.stringify({ name: PROJECT, services: Object.fromEntries(services) });
  const program = await shippedDaemon(folder);
  const { dockerHost } = engine;
  const environment = await prepareDaemon({ folder, composeText, port: daemonPort, dockerHost });
  const daemon = start([program], environment);
  stage.defer(daemon.stop);
  await untilOk(daemonPort, '/livez', daemon.startedAt);
}

async function startPeers(engine: PrivateEngine, image: string, ports: number[]): Promise<void> {
  await docker(engine, 'network', 'create', PEER_NETWORK);
  for (const [round, port] of ports.entries()) {
    const publish = ['-p', `127.0.0.1:${port}:80`, '--network', PEER_NETWORK];
    const name = `${PROJECT}-peer-${round}`;
    await docker(
      engine,
      'run',
      '-d',
      '--restart',
      'always',
      '--name',
      name,
      ...publish,
      image,
      ...WEB_SERVER,
    );
  }
}

async function crash(api: EngineApi, container: string, port: number): Promise<Recovery> {
  await sleep(REST_MS);
  const before = await stateOf(api, container);
  if (before?.running !== true || !(await answersOk(port, WEB_PATH)))
    throw new Error(`${container} does not run`);
  const [killedAt, killedAtWall] = [performance.now(), wallNow()];
  // A process with SIGKILL pending never runs its own code again: the next answer is its successor's.
  process.kill(before.pid, 'SIGKILL');
  const answered = await untilOk(port, WEB_PATH, killedAt);
  const after = await stateOf(api, container);
  if (after === null || after.pid === before.pid) throw new Error(`${container} has not been started again`);
  return { answered, started: after.startedAt - killedAtWall };
}
