/**
 * What the daemon costs: exec to the first /livez 200, and resident memory when idle, beside a bare bundle of the same
 * packages that serves one route. Both with a compile cache, as the unit sets it.
 *   scripts/with-node node bench/footprint.ts [--rounds 20]     as root; docs/benchmarks.md
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle } from '../scripts/bundle.ts';
import { alternate, benchmark } from './lib/benchmark.ts';
import { prepareDaemon, shippedDaemon, start, temporaryFolder, untilOk } from './lib/daemon.ts';
import { benchmarkEngine, freePorts, removeEverything, WEB_SERVER } from './lib/engine.ts';
import { printHead, type Series } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const START_RATIO_TARGET = 1.3;
const START_TARGET_MS = 300;
const MORE_MEMORY_TARGET_MIB = 25;
/** After this the services are adopted and the garbage of the start has been collected or will stay. */
const IDLE_MS = 10_000;
const KIB_PER_MIB = 1024;

interface Cost {
  milliseconds: number;
  residentMib: number;
}

await benchmark(async (stage) => {
  const { engine, image } = await benchmarkEngine(stage);
  const { folder, remove } = await temporaryFolder('footprint');
  stage.defer(remove);
  stage.defer(() => removeEverything(engine));
  printHead(
    'Start and idle memory of the daemon',
    [
      'ai-sandbox as shipped, with two running services that it adopts, and bench/footprint-peer.ts: the same packages',
      `in one bundle made the same way, with one route. Memory is VmRSS ${IDLE_MS / 1000} s after the first answer.`,
    ],
    stage.rounds,
  );
  await bundle({ peer: join(import.meta.dirname, 'footprint-peer.ts') }, join(folder, 'peer'));
  const program = await shippedDaemon(folder);
  const [port = 0, peerPort = 0] = await freePorts(2);
  const service = { image, command: WEB_SERVER };
  const environment = await prepareDaemon({
    folder,
    composeText: JSON.stringify({ name: 'bench-footprint', services: { one: service, two: service } }),
    port,
    dockerHost: engine.dockerHost,
  });

  const measure = async (argv: string[], ownPort: number): Promise<Cost> => {
    const started = start(argv, environment);
    try {
      const milliseconds = await untilOk(ownPort, '/livez', started.startedAt);
      await sleep(IDLE_MS, undefined, { signal: stage.signal });
      return { milliseconds, residentMib: await residentMib(started.child.pid ?? 0) };
    } finally {
      await started.stop();
    }
  };
  const peerArguments = [join(folder, 'peer/peer.mjs'), String(peerPort), engine.socketPath];
  const { ours, peer } = await alternate(stage, {
    ours: () => measure([program], port),
    peer: () => measure(peerArguments, peerPort),
  });

  const time = (name: string, costs: Cost[]): Series => ({
    name,
    unit: 'ms',
    values: costs.map((cost) => cost.milliseconds),
  });
  const memory = (name: string, costs: Cost[]): Series => ({
    name,
    unit: 'MiB',
    values: costs.map((cost) => cost.residentMib),
  });
  const times = [
    time('ai-sandbox: exec to /livez 200', ours),
    time('bare bundle: exec to /livez 200', peer),
  ] as const;
  stage.report.series(...times);
  stage.report.ratio('ai-sandbox / bare bundle', ...times, START_RATIO_TARGET);
  stage.report.atMost('ai-sandbox', median(times[0].values), 'ms', START_TARGET_MS);
  const memories = [
    memory('ai-sandbox: resident when idle', ours),
    memory('bare bundle: resident when idle', peer),
  ] as const;
  stage.report.series(...memories);
  const more = median(memories[0].values) - median(memories[1].values);
  stage.report.atMost('ai-sandbox more than the bare bundle', more, 'MiB', MORE_MEMORY_TARGET_MIB);
});

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / KIB_PER_MIB;
}
