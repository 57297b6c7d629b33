/**
 * What the StackScript gives the engine for its pulls: pigz, and ten layers at a time, beside the engine's own defaults.
 *   scripts/with-node node bench/pull.ts [--rounds 3] [--mib 1200]     as root; docs/benchmarks.md
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEngine } from '../test/support/engine-process.ts';
import { alternate, benchmark, type Stage } from './lib/benchmark.ts';
import { temporaryFolder } from './lib/daemon.ts';
import { docker } from './lib/engine.ts';
import { type Line, startFileServer } from './lib/file-server.ts';
import { makeLayeredImage, serveImage } from './lib/layered-image.ts';
import { printHead, type Series } from './lib/report.ts';

const run = promisify(execFile);

const BYTES_PER_MIB = 1024 ** 2;
const LAYERS = 12;
/** Each layer is so much of the one before: few large ones and many small ones, as an image of a program with CUDA has. */
const LAYER_SHRINKS_TO = 0.75;
/** The engine's own number, and that of the StackScript. */
const DEFAULT_PARALLEL = 3;
const OUR_PARALLEL = 10;
const PULL_LIMIT_MS = 600_000;
/** What is worth having must not cost anything. */
const NO_SLOWER = 1;

/** The engine of one side. */
interface Means {
  pigz: boolean;
  parallel: number;
}
const SIDES: Record<'defaults' | 'pigz' | 'parallel' | 'both', Means> = {
  defaults: { pigz: false, parallel: DEFAULT_PARALLEL },
  pigz: { pigz: true, parallel: DEFAULT_PARALLEL },
  parallel: { pigz: false, parallel: OUR_PARALLEL },
  both: { pigz: true, parallel: OUR_PARALLEL },
};
type Side = keyof typeof SIDES;

const LINES: Record<string, Line> = {
  'as fast as this machine serves': { bytesPerSecond: 1e10, delaySeconds: 0 },
  '20 MB/s a connection, 40 ms before each answer': { bytesPerSecond: 20e6, delaySeconds: 0.04 },
};

await benchmark(
  async (stage) => {
    const mib = Number(stage.options['mib']);
    if (!Number.isInteger(mib) || mib < LAYERS) throw new Error(`--mib takes a whole number from ${LAYERS}`);
    await needPigz();
    const { folder, remove } = await temporaryFolder('pull');
    stage.defer(remove);
    const weights = Array.from({ length: LAYERS }, (_, at) => LAYER_SHRINKS_TO ** at);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const blobs = join(folder, 'blobs');
    const image = await makeLayeredImage(
      blobs,
      mib * BYTES_PER_MIB,
      weights.map((weight) => weight / total),
    );
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
    printHead(
      'Pull of an image',
      [
        `${LAYERS} layers of programs and libraries, ${megabytes(image.compressedBytes)} MB compressed, ${megabytes(image.unpackedBytes)} MB unpacked. Measured is docker pull, from its`,
        'start to its end, with an engine of its own for each side that has nothing of the image.',
      ],
      stage.rounds,
    );
    for (const [name, line] of Object.entries(LINES)) {
      const registry = await serveImage(stage, image, await startFileServer(stage, blobs, line));
      console.log(`\nA line ${name}`);
      reportPulls(stage, await measurePulls(stage, `${registry}/bench/layers:1`));
    }
  },
  { rounds: '3', mib: '1200' },
);

async function needPigz(): Promise<void> {
  const common = join(import.meta.dirname, '../scripts/lib/common.sh');
  await run('bash', ['-c', `source '${common}'; need pigz pigz`], { timeout: PULL_LIMIT_MS });
}

function measurePulls(stage: Stage, image: string): Promise<Record<Side, number[]>> {
  const pull = (side: Side) => () => pullOnce(image, SIDES[side]);
  return alternate<Side, number>(stage, {
    defaults: pull('defaults'),
    pigz: pull('pigz'),
    parallel: pull('parallel'),
    both: pull('both'),
  });
}

/** Milliseconds of one pull by an engine that was just started. */
async function pullOnce(image: string, { pigz, parallel }: Means): Promise<number> {
  // The engine takes it from the environment; its value does not matter.
  if (pigz) delete process.env['MOBY_DISABLE_PIGZ'];
  else process.env['MOBY_DISABLE_PIGZ'] = '1';
  const engine = await startEngine('bench-pull', ['--max-concurrent-downloads', String(parallel)]);
  try {
    const startedAt = performance.now();
    const { code, stderr } = await engine.docker(['pull', '-q', image], { timeoutMs: PULL_LIMIT_MS });
    if (code !== 0) throw new Error(`docker pull: ${stderr}`);
    const milliseconds = performance.now() - startedAt;
    await docker(engine, 'rmi', '-f', image);
    return milliseconds;
  } finally {
    await engine.stop();
  }
}

function reportPulls({ report }: Stage, times: Record<Side, number[]>): void {
  const series = (side: Side, name: string): Series => ({ name, unit: 'ms', values: times[side] });
  const defaults = series('defaults', `${DEFAULT_PARALLEL} layers at a time, Go's gzip (the defaults)`);
  const pigz = series('pigz', `${DEFAULT_PARALLEL} layers at a time, pigz`);
  const parallel = series('parallel', `${OUR_PARALLEL} layers at a time, Go's gzip`);
  const both = series('both', `${OUR_PARALLEL} layers at a time, pigz (the StackScript)`);
  report.series(defaults, pigz, parallel, both);
  report.ratio('pigz / defaults', pigz, defaults, NO_SLOWER);
  report.ratio('10 layers / defaults', parallel, defaults, NO_SLOWER);
  report.ratio('both / defaults', both, defaults, NO_SLOWER);
}
