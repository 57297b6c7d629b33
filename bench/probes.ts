/**
 * What the daemon's probes cost an idle vLLM: CPU of the containers, requests and tokens a minute, with the daemon and without it
 * in turn. The containers are the same all the time: they outlive the daemon.
 *   scripts/with-node node bench/probes.ts [--rounds 3] [--parts real|stand-in] [--seconds 60]     as root; docs/benchmarks.md
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startHub } from '../test/stand-ins/hub/hub.ts';
import { type RunningDaemon, startDaemon } from '../test/support/daemon.ts';
import { benchmark, type Stage } from './lib/benchmark.ts';
import { type ChatParts, realParts, standInParts } from './lib/chat-parts.ts';
import { shippedDaemon, temporaryFolder } from './lib/daemon.ts';
import { cpuSeconds } from './lib/process-cost.ts';
import { printHead, type Series } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const MODEL = 'acme/tiny-llama-chat';
const READY_LIMIT_MS = 900_000;
/** A start, of the engine or of the daemon, has left nothing to do after this. */
const SETTLE_MS = 15_000;
/** A core that does nothing else has 60 s of CPU a minute: a hundredth of it. */
const CPU_TARGET_SECONDS_PER_MINUTE = 0.6;
const SECONDS_PER_MINUTE = 60;

/** What one stretch of time has cost, a minute. */
interface Cost {
  /** CPU seconds of the engine, the page and the daemon. */
  api: number;
  ui: number;
  daemon: number;
  /** All of /v1, those of the page included. */
  requests: number;
  chats: number;
  promptTokens: number;
  generatedTokens: number;
}

await benchmark(
  async (stage) => {
    const { parts: kind = '', seconds = '' } = stage.options;
    if (kind !== 'real' && kind !== 'stand-in') throw new Error('--parts takes real or stand-in');
    printHead(
      'What the probes cost an idle engine',
      [
        `${kind === 'real' ? 'The real vLLM on the CPU and the real Open WebUI' : 'The stand-ins'}, idle, for ${seconds} s with the shipped daemon, which probes them every 30 s,`,
        'and as long without it. All values are for a minute.',
      ],
      stage.rounds,
    );
    const parts = await (kind === 'real' ? realParts : standInParts)(stage, MODEL);
    const daemon = await bringUp(stage, parts);
    const costs: Record<'with' | 'without', Cost[]> = { with: [], without: [] };
    for (let round = 1; round <= stage.rounds; round += 1) {
      if (round > 1) await daemon.restart();
      await sleep(SETTLE_MS, undefined, { signal: stage.signal });
      costs.with.push(await costOf(stage, parts.engine, daemon, Number(seconds)));
      await daemon.stop();
      await sleep(SETTLE_MS, undefined, { signal: stage.signal });
      costs.without.push(await costOf(stage, parts.engine, daemon, Number(seconds)));
      process.stderr.write(`\rround ${round} of ${stage.rounds}\x1b[K`);
    }
    process.stderr.write('\r\x1b[K');
    tell(stage, costs);
  },
  { rounds: '3', parts: 'real', seconds: '60' },
);

/** Both services ready, at a daemon whose end leaves them running. */
async function bringUp(stage: Stage, parts: ChatParts): Promise<RunningDaemon> {
  const { folder, remove } = await temporaryFolder('probes');
  stage.defer(remove);
  const hub = await startHub({ models: [parts.model] });
  stage.defer(hub.close);
  const daemon = await startDaemon({
    engine: parts.engine,
    hubUrl: hub.url,
    program: await shippedDaemon(folder),
    variables: {
      MODEL_ID: MODEL,
      API_IMAGE: parts.images.api,
      UI_IMAGE: parts.images.ui,
      API_SHM_SIZE: '1gb',
      CPU_KV_CACHE_GIB: '1',
      UI_OFFLINE_MODE: 'true',
    },
  });
  stage.defer(daemon.cleanup);
  const ready = async () => (await daemon.readyz()).status === 200;
  const until = performance.now() + READY_LIMIT_MS;
  while (!(await ready())) {
    if (performance.now() > until) throw new Error(`never ready:\n${daemon.journal()}`);
    await sleep(1_000, undefined, { signal: stage.signal });
  }
  return daemon;
}

async function costOf(
  stage: Stage,
  engine: ChatParts['engine'],
  daemon: RunningDaemon,
  seconds: number,
): Promise<Cost> {
  const running = await isRunning(daemon);
  const look = async () => ({
    atMs: performance.now(),
    counters: await countersOf(daemon.apiPort),
    api: await containerCpu(engine, `${daemon.project}-api`),
    ui: await containerCpu(engine, `${daemon.project}-ui`),
    daemon: running ? (await cpuSeconds(daemon.pid)).own : 0,
  });
  const before = await look();
  await sleep(seconds * 1_000, undefined, { signal: stage.signal });
  const after = await look();
  const perMinute = (value: number) => (value * SECONDS_PER_MINUTE * 1_000) / (after.atMs - before.atMs);
  return {
    api: perMinute(after.api - before.api),
    ui: perMinute(after.ui - before.ui),
    daemon: perMinute(after.daemon - before.daemon),
    requests: perMinute(after.counters.requests - before.counters.requests),
    chats: perMinute(after.counters.chats - before.counters.chats),
    promptTokens: perMinute(after.counters.promptTokens - before.counters.promptTokens),
    generatedTokens: perMinute(after.counters.generatedTokens - before.counters.generatedTokens),
  };
}

function isRunning(daemon: RunningDaemon): Promise<boolean> {
  return daemon.readyz().then(
    () => true,
    () => false,
  );
}

/** CPU seconds of the processes of a container so far. */
async function containerCpu({ docker }: ChatParts['engine'], name: string): Promise<number> {
  const { stdout, stderr, code } = await docker(['top', name, '-eo', 'pid']);
  if (code !== 0) throw new Error(`docker top ${name}: ${stderr}`);
  const pids = stdout
    .split('\n')
    .slice(1)
    .map(Number)
    .filter((pid) => pid > 0);
  const costs = await Promise.all(pids.map(cpuSeconds));
  return costs.reduce((sum, { own, children }) => sum + own + children, 0);
}

/** Sums of vLLM's own counters; its chats are those that it has answered. */
async function countersOf(port: number) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, match) => total + Number(match[1]),
      0,
    );
  return {
    // without /health and /metrics, which vLLM does not count
    requests: sum('http_requests_total'),
    chats: sum('vllm:request_success_total'),
    promptTokens: sum('vllm:prompt_tokens_total'),
    generatedTokens: sum('vllm:generation_tokens_total'),
  };
}

function tell({ report }: Stage, costs: Record<'with' | 'without', Cost[]>): void {
  const series = (what: keyof Cost, unit: Series['unit'], name: string): [Series, Series] => [
    { name: `${name}, with the daemon`, unit, values: costs.with.map((cost) => cost[what]) },
    { name: `${name}, without it`, unit, values: costs.without.map((cost) => cost[what]) },
  ];
  const api = series('api', 's/min', 'CPU of vLLM');
  report.series(...api);
  report.atMost(
    'CPU of vLLM, more with the daemon',
    median(api[0].values) - median(api[1].values),
    's/min',
    CPU_TARGET_SECONDS_PER_MINUTE,
  );
  report.series(...series('ui', 's/min', 'CPU of Open WebUI'));
  report.series(series('daemon', 's/min', 'CPU of the daemon itself')[0]);
  report.series(...series('requests', '/min', 'requests to /v1'));
  report.series(...series('chats', '/min', 'chats answered'));
  report.series(...series('promptTokens', '/min', 'prompt tokens'));
  report.series(...series('generatedTokens', '/min', 'generated tokens'));
}
