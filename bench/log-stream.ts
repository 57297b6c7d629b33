/**
 * A container that floods its log: 100,000 lines a second, written by another process, through the engine's framing, the cut
 * into lines, the redactor, the diagnosis and the load progress; memory, event-loop delay and wrong cuts.
 *   scripts/with-node node bench/log-stream.ts [--rounds 1] [--seconds 30] [--rate 100000]     docs/benchmarks.md
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDiagnoser } from '../src/diagnosis/diagnose.ts';
import { readLogLines } from '../src/docker/logs.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLog } from '../src/lib/log.ts';
import { createRedactor } from '../src/lib/redact.ts';
import { createLoadWatch } from '../src/model/load-watch.ts';
import { frameOf, LINES_PER_PERIOD, numberOf } from '../test/support/log-stream.ts';
import { benchmark } from './lib/benchmark.ts';
import { printHead, type Series } from './lib/report.ts';

const DELAY_TARGET_MS = 50;
/** Growth of the heap from the first third of the time to the last. */
const GROWTH_TARGET_MIB = 10;
const MIB = 1024 * 1024;
const SAMPLE_MS = 250;
/** The writer's share of each second comes in so many parts. */
const BATCHES_PER_SECOND = 50;
const WRITER = '--write';
/** Secrets of an installation: the redactor looks for each in every line. */
const SECRETS = ['vllm-key-0123456789abcdef', 'webui-secret-0123456789', 'hunter2-hunter2'];

if (process.argv.includes(WRITER)) await write(Number(process.argv.at(-2)), Number(process.argv.at(-1)));
else await measure();

/** Writes frames at the wanted rate; what it is late with comes at once. */
async function write(linesPerSecond: number, seconds: number): Promise<void> {
  const period = Buffer.concat(Array.from({ length: 10_000 }, (_, index) => frameOf(index)));
  const periodLines = (10_000 / 10) * LINES_PER_PERIOD;
  const bytesPerBatch = (period.length / periodLines) * (linesPerSecond / BATCHES_PER_SECOND);
  const startedAt = performance.now();
  let written = 0;
  for (let batch = 1; batch <= seconds * BATCHES_PER_SECOND; batch += 1) {
    const last = batch === seconds * BATCHES_PER_SECOND;
    const wanted = Math.floor(bytesPerBatch * batch);
    // The last frame is written to its end.
    const until = last ? Math.ceil(wanted / period.length) * period.length : wanted;
    while (written < until) {
      const at = written % period.length;
      const part = period.subarray(at, at + (until - written));
      if (!process.stdout.write(part)) await once(process.stdout, 'drain');
      written += part.length;
    }
    const ahead = startedAt + (batch * 1000) / BATCHES_PER_SECOND - performance.now();
    if (ahead > 0) await sleep(ahead);
  }
}

async function measure(): Promise<void> {
  await benchmark(
    async (stage) => {
      const seconds = Number(stage.options['seconds']);
      const rate = Number(stage.options['rate']);
      printHead(
        'A flood of log lines',
        [
          `${rate} lines a second for ${seconds} s, one line in fourteen of 2,000 characters, bars and wide characters among them.`,
        ],
        stage.rounds,
      );
      for (let round = 0; round < stage.rounds; round += 1) {
        const found = await flood(rate, seconds);
        const heap: Series = { name: 'heap while it floods', unit: 'MiB', values: found.heapMib };
        stage.report.series(heap);
        console.log(
          `\n  ${found.lines} lines read, ${Math.round(found.linesPerSecond)} a second, ${found.microseconds.toFixed(1)} µs of CPU each; ${found.wrong} cut wrongly`,
        );
        stage.report.atMost('event-loop delay, 99th percentile', found.delayMs, 'ms', DELAY_TARGET_MS);
        stage.report.atMost(
          'growth of the heap, last third to first',
          found.growthMib,
          'MiB',
          GROWTH_TARGET_MIB,
        );
        stage.report.atMost('later than the writer', Math.max(0, found.lateMs), 'ms', 1000);
        if (found.wrong > 0) throw new Error(`${found.wrong} lines were cut wrongly`);
      }
    },
    { rounds: '1', seconds: '30', rate: '100000' },
  );
}

async function flood(rate: number, seconds: number) {
  const script = fileURLToPath(import.meta.url);
  const writer = spawn(process.execPath, [script, WRITER, String(rate), String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const diagnoser = createDiagnoser();
  const watch = createLoadWatch({
    clock: systemClock,
    log: silentLog,
    memory: { expected: () => null, remember: () => Promise.resolve() },
    onMove: () => undefined,
    onChange: () => undefined,
  });
  watch.begin({ startedAt: null, firstRun: true, of: { model: 'org/name', image: 'vllm', gpu: null } });
  const heapMib: number[] = [];
  const sampler = setInterval(() => heapMib.push(process.memoryUsage().heapUsed / MIB), SAMPLE_MS);
  delay.enable();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  let lines = 0;
  let wrong = 0;
  for await (const line of readLogLines(writer.stdout, false, createRedactor(SECRETS))) {
    lines += 1;
    if (Number.isNaN(numberOf(line.text))) wrong += 1;
    diagnoser.push(line.text);
    watch.line(line.text, line.timestamp);
  }
  const tookMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuBefore);
  delay.disable();
  clearInterval(sampler);
  diagnoser.finish({ exitCode: 1, oomKilled: false, engineError: null });
  const third = Math.floor(heapMib.length / 3);
  const low = (values: number[]) => Math.min(...values);
  return {
    lines,
    wrong,
    microseconds: (cpu.user + cpu.system) / lines,
    heapMib,
    linesPerSecond: (lines / tookMs) * 1000,
    delayMs: delay.percentile(99) / 1e6,
    // The least of each third: what is left after a collection.
    growthMib: low(heapMib.slice(-third)) - low(heapMib.slice(0, third)),
    lateMs: tookMs - seconds * 1000,
  };
}
