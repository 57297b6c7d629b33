/**
 * A container that floods its log: 100,000 lines a second, as an engine sends them to its socket, through the daemon's own
 * reader (framing, the cut into lines, the redactor), the diagnosis and the load progress; memory, event-loop delay, wrong
 * cuts. Beside it what dockerode and readline, which only cut, make of the same stream, and how much either can take at most.
 *   scripts/with-node node bench/log-stream.ts [--rounds 1] [--seconds 30] [--rate 100000]     docs/benchmarks.md
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import Docker from 'dockerode';
import { createDiagnoser } from '../src/diagnosis/diagnose.ts';
import { createEngine } from '../src/docker/client.ts';
import { noCredentials } from '../src/docker/credentials.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLog } from '../src/lib/log.ts';
import { createRedactor } from '../src/lib/redact.ts';
import { createLoadWatch } from '../src/model/load-watch.ts';
import { linesOf, streamOf } from '../test/support/log-stream.ts';
import { benchmark } from './lib/benchmark.ts';
import { MESSAGES, type WriterMessage } from './lib/log-writer.ts';
import { printHead, type Series } from './lib/report.ts';

const DELAY_TARGET_MS = 50;
/** Growth of the heap from the first third of the time to the last. */
const GROWTH_TARGET_MIB = 10;
const LATE_TARGET_MS = 1_000;
const MIB = 1024 * 1024;
const SAMPLE_MS = 250;
/** A loop that turns freely shows this delay. */
const RESOLUTION_MS = 5;
/** How long as many lines are written as are taken. */
const FULL_SPEED_SECONDS = 5;
/** Secrets of an installation: the redactor looks for each in every line. */
const SECRETS = ['vllm-key-0123456789abcdef', 'webui-secret-0123456789', 'hunter2-hunter2'];

type Stream = 'stdout' | 'stderr';
/** What the engine puts before each message. */
const STAMP = /^\d{4}-\d\d-\d\dT\S+Z /;
/** Reads the log at a socket to its end, telling every line. */
type Reader = (socketPath: string, onLine: (stream: Stream, text: string) => void) => Promise<void>;

await benchmark(
  async (stage) => {
    const seconds = Number(stage.options['seconds']);
    const rate = Number(stage.options['rate']);
    const { report } = stage;
    printHead(
      'A flood of log lines',
      [
        `${rate} lines a second for ${seconds} s, one line in fourteen of 2,000 characters, bars, tracebacks and wide`,
        `characters among them; then as many as are taken, for ${FULL_SPEED_SECONDS} s.`,
      ],
      stage.rounds,
    );
    for (let round = 0; round < stage.rounds; round += 1) {
      const ours = await flood(readAsDaemon, rate, seconds);
      const heap: Series = { name: 'ai-sandbox: heap while it floods', unit: 'MiB', values: ours.heapMib };
      report.series(heap);
      tell('ai-sandbox', ours);
      report.atMost('event-loop delay, 99th percentile', ours.delayMs, 'ms', DELAY_TARGET_MS);
      report.atMost('growth of the heap, last third to first', ours.growthMib, 'MiB', GROWTH_TARGET_MIB);
      report.atMost('later than the writer', Math.max(0, ours.lateMs), 'ms', LATE_TARGET_MS);
      tell('ai-sandbox, at full speed', await flood(readAsDaemon, 0, FULL_SPEED_SECONDS));
      tell('dockerode and readline', await flood(readAsPeer, rate, seconds));
      tell('dockerode and readline, at full speed', await flood(readAsPeer, 0, FULL_SPEED_SECONDS));
      if (ours.wrong > 0) throw new Error(`${ours.wrong} lines were cut wrongly`);
    }
  },
  { rounds: '1', seconds: '30', rate: '100000' },
);

function tell(name: string, found: Awaited<ReturnType<typeof flood>>): void {
  const each = found.microseconds.toFixed(1);
  console.log(
    `\n  ${name}: ${found.lines} lines, ${Math.round(found.linesPerSecond)} a second, ${each} µs of CPU each; ` +
      `${found.wrong} wrong; event-loop delay p99 ${Math.round(found.delayMs)} ms`,
  );
}

async function flood(read: Reader, rate: number, seconds: number) {
  const expected: Record<Stream, string[]> = { stdout: [], stderr: [] };
  for (let index = 0; index < MESSAGES; index += 1) expected[streamOf(index)].push(...linesOf(index));
  const writer = fork(join(import.meta.dirname, 'lib/log-writer.ts'), [String(rate), String(seconds)]);
  const socketPath = await toldBy(writer, (message) => ('socketPath' in message ? message.socketPath : null));
  const written = toldBy(writer, (message) => ('lines' in message ? message.lines : null));
  const heapMib: number[] = [];
  const sampler = setInterval(() => heapMib.push(process.memoryUsage().heapUsed / MIB), SAMPLE_MS);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const seen: Record<Stream, number> = { stdout: 0, stderr: 0 };
  let wrong = 0;
  await read(socketPath, (stream, text) => {
    const texts = expected[stream];
    if (text !== texts[seen[stream] % texts.length]) wrong += 1;
    seen[stream] += 1;
  });
  const lines = seen.stdout + seen.stderr;
  const tookMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuBefore);
  delay.disable();
  clearInterval(sampler);
  if (lines !== (await written)) throw new Error(`${await written} lines were written and ${lines} read`);
  writer.disconnect();
  await once(writer, 'exit');
  const third = Math.floor(heapMib.length / 3);
  const low = (values: number[]) => Math.min(...values);
  return {
    lines,
    wrong,
    microseconds: (cpu.user + cpu.system) / lines,
    heapMib,
    linesPerSecond: (lines / tookMs) * 1000,
    delayMs: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
    // The least of each third: what is left after a collection.
    growthMib: low(heapMib.slice(-third)) - low(heapMib.slice(0, third)),
    lateMs: tookMs - seconds * 1000,
  };
}

/** The first message that `pick` finds something in. */
function toldBy<T>(writer: ChildProcess, pick: (message: WriterMessage) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: WriterMessage) => {
      const found = pick(message);
      if (found === null) return;
      writer.off('message', onMessage);
      resolve(found);
    };
    writer.on('message', onMessage);
    writer.once('exit', () => reject(new Error('the writer ended')));
  });
}

/** As the daemon: its reader, the load progress of a start; and the diagnosis of every line, which it holds only of the last. */
async function readAsDaemon(socketPath: string, onLine: Parameters<Reader>[1]): Promise<void> {
  const clock = systemClock;
  const redactor = createRedactor(SECRETS);
  const engine = createEngine({ socketPath, clock, redactor, log: silentLog, credentials: noCredentials });
  const diagnoser = createDiagnoser();
  const watch = createLoadWatch({
    clock,
    log: silentLog,
    memory: { expected: () => null, remember: () => Promise.resolve() },
    onMove: () => undefined,
    onChange: () => undefined,
  });
  watch.begin({
    startedAt: null,
    firstRun: true,
    of: () => ({ model: 'org/name', image: 'vllm', gpu: null }),
  });
  for await (const line of engine.logs('c1', { follow: true }, new AbortController().signal)) {
    onLine(line.stream, line.text);
    diagnoser.push(line.text);
    watch.line(line.text, line.timestamp);
  }
  diagnoser.finish({ exitCode: 1, oomKilled: false, engineError: null });
}

/** What programs with dockerode do: its demultiplexer, and readline for each stream. No times, no secrets, no diagnosis. */
async function readAsPeer(socketPath: string, onLine: Parameters<Reader>[1]): Promise<void> {
  const docker = new Docker({ socketPath });
  const options = { follow: true, stdout: true, stderr: true, timestamps: true } as const;
  const stream = (await docker.getContainer('c1').logs(options)) as unknown as Readable;
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() };
  docker.modem.demuxStream(stream, outputs.stdout, outputs.stderr);
  const closed = (['stdout', 'stderr'] as const).map((name) => {
    const lines = createInterface({ input: outputs[name], crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => onLine(name, line.replace(STAMP, '')));
    return once(lines, 'close');
  });
  await once(stream, 'end');
  outputs.stdout.end();
  outputs.stderr.end();
  await Promise.all(closed);
}
