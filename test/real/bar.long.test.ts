import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/status/schema.ts';
import { type PrivateEngine, startEngine } from '../support/engine-process.ts';
import { putImage } from '../support/put-image.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { mustDocker, realParts } from './parts.ts';
import { ask, isReady, realStage, START_LIMIT_MS } from './stage.ts';

const ENGINE_NAME = 'test-bar';
/** Copying two images of 3 GB on a machine that has other work. */
const COPY_LIMIT_MS = 900_000;
const END_LIMIT_MS = 180_000;
const LOOK_INTERVAL_MS = 250;
/** What is promised of the estimate of a second start. */
const ESTIMATE_TOLERANCE = 0.25;
/** Before the log tells of anything else the engine imports its libraries, which takes as long as disk and CPU let it. */
const FIRST_PHASE = 'config';
/** An estimate in whole seconds of something that is over in less says nothing in percent. */
const SHORTEST_REST_MS = 4_000;
const engineScript = fileURLToPath(new URL('../../scripts/lib/engine.sh', import.meta.url));

const parts = realParts();
const figures: string[] = [];
let registry: Registry;
let engine: PrivateEngine;
let images: { api: string; ui: string };

beforeAll(async () => {
  registry = await startRegistry();
  images = {
    api: await putImage(parts.engine, registry, parts.images.api, 'vllm-cpu'),
    ui: await putImage(parts.engine, registry, parts.images.ui, 'open-webui'),
  };
  // An engine that has none of their layers: those of parts.engine would be found "already there".
  engine = await startEngine(ENGINE_NAME);
  await engine.docker(['image', 'prune', '-af']);
}, COPY_LIMIT_MS);

const stage = realStage(async () => ({ engine, images }));

afterAll(async () => {
  console.info(figures.join('\n'));
  await engine?.stop();
  await promisify(execFile)(engineScript, ['purge', ENGINE_NAME]);
  await registry?.remove();
}, END_LIMIT_MS);

describe('the bar from the first byte of the images to ready', () => {
  const bar = () => stage.looks.map(({ status }) => status.progress.percent);

  it('goes through pull, download and load', () => {
    const phases = new Set(stage.looks.map(({ status }) => status.progress.phase));
    figures.push(...milestones());
    expect([...phases]).toEqual(expect.arrayContaining(['pulling images', 'loading the model', 'ready']));
    const pulled = stage.looks.flatMap(({ status }) => status.services['api']?.pull?.bytes_done ?? []);
    expect(Math.max(...pulled)).toBeGreaterThan(100_000_000);
  });

  it('is there from the first known size on until the end, and never goes back', () => {
    const percents = bar();
    const shown = percents.slice(percents.findIndex((percent) => percent !== null));
    expect(shown.filter((percent) => percent === null)).toEqual([]);
    expect(shown).toEqual([...shown].sort((a, b) => (a ?? 0) - (b ?? 0)));
  });

  it('is 100 when everything is ready, and not before', () => {
    for (const { status } of stage.looks) {
      expect(status.progress.percent === 100).toBe(status.progress.phase === 'ready' && isReady(status));
    }
    expect(bar().at(-1)).toBe(100);
  });
});

describe('the estimate of the second start', { timeout: START_LIMIT_MS + END_LIMIT_MS }, () => {
  it('of the same container is right within 25 %, from the second phase to 4 s before the end (median)', async () => {
    const samples = await start(async () => {
      const { code, stderr } = await stage.daemon.cli(['restart', 'api']);
      expect(code, stderr).toBe(0);
    });
    judge('the container started again', samples);
  });

  it('of a container made anew is right within 25 %, from the second phase to 4 s before the end (median)', async () => {
    const samples = await start(async () => {
      expect((await stage.daemon.cli(['stop', 'api'])).code).toBe(0);
      await mustDocker(stage.parts, ['rm', stage.container('api')]);
      const { code, stderr } = await stage.daemon.cli(['start', 'api']);
      expect(code, stderr).toBe(0);
    });
    judge('a container made anew', samples);
  });
});

/** What one status said of the rest of a start, and what the rest was. */
interface Sample {
  phase: string | null;
  /** Since the start of the container, and from then to the answered chat. */
  passedMs: number;
  restMs: number;
  estimateMs: number | null;
  percent: number | null;
}

/** Makes a start and looks at it until it is ready. */
async function start(make: () => Promise<void>): Promise<Sample[]> {
  const before = (await stage.daemon.status()).services['api']?.started_at ?? '';
  const looks: { atMs: number; status: Status }[] = [];
  const made = make();
  for (let ready = false; !ready; ) {
    const status = await stage.daemon.status();
    const api = status.services['api'];
    const begun = api?.started_at != null && api.started_at > before;
    if (begun) looks.push({ atMs: performance.now(), status });
    ready = begun && isReady(status);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  await made;
  expect(await ask(stage)).not.toBe('');
  const [first, last] = [looks[0]?.atMs ?? 0, looks.at(-1)?.atMs ?? 0];
  return looks.slice(0, -1).map(({ atMs, status: { progress, model } }) => ({
    phase: model.load.phase,
    passedMs: atMs - first,
    restMs: last - atMs,
    estimateMs: progress.eta_seconds === null ? null : progress.eta_seconds * 1000,
    percent: progress.percent,
  }));
}

/** Holds the median to the tolerance; what is left out of it, and why, is told in docs/benchmarks.md. */
function judge(what: string, samples: readonly Sample[]): void {
  const told = samples.filter(({ restMs }) => restMs >= SHORTEST_REST_MS);
  expect(told.filter(({ estimateMs }) => estimateMs === null)).toEqual([]);
  const errorsOf = (some: readonly Sample[]) =>
    some.map(({ estimateMs, restMs }) => Math.abs((estimateMs ?? 0) - restMs) / restMs).sort((a, b) => a - b);
  const errors = errorsOf(told.filter(({ phase }) => phase !== FIRST_PHASE));
  const [first] = told;
  const median = (all: readonly number[]) => all[Math.floor((all.length - 1) / 2)] ?? Number.NaN;
  figures.push(
    `${what}: ${seconds(first?.restMs ?? 0)}, estimated at its beginning ${seconds(first?.estimateMs ?? 0)}; ` +
      `median error of all ${told.length} estimates ${percentOf(median(errorsOf(told)))}, ` +
      `of the ${errors.length} after the first phase ${percentOf(median(errors))}`,
  );
  for (const phase of new Set(told.map((sample) => sample.phase))) {
    const [begun] = told.filter((sample) => sample.phase === phase);
    if (begun === undefined) continue;
    figures.push(
      `    ${phase} after ${seconds(begun.passedMs)}: estimated ${seconds(begun.estimateMs ?? 0)}, took ${seconds(begun.restMs)}; bar ${begun.percent}`,
    );
  }
  const percents = samples.map(({ percent }) => percent ?? 0);
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(median(errors)).toBeLessThanOrEqual(ESTIMATE_TOLERANCE);
}

/** When each tenth of the bar was reached, and each phase began. */
function milestones(): string[] {
  const [first] = stage.looks;
  const lines: string[] = [];
  let tenth = -1;
  let phase = '';
  for (const { atMs, status } of stage.looks) {
    const { percent, phase: now } = status.progress;
    const reached = Math.floor((percent ?? -1) / 10);
    if (reached <= tenth && now === phase) continue;
    tenth = Math.max(tenth, reached);
    phase = now;
    lines.push(
      `${seconds(atMs - (first?.atMs ?? 0))}  ${percent ?? '-'} %  ${now} ${status.model.load.phase ?? ''}`,
    );
  }
  return lines;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1).padStart(6)} s`;
const percentOf = (share: number) => `${(share * 100).toFixed(0)} %`;
