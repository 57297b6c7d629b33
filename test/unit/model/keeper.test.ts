import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import { parseModelIdentifier } from '../../../src/model/identifier.ts';
import { createModelKeeper, type ModelKeeper } from '../../../src/model/keeper.ts';
import { readModelConfig } from '../../../src/model/model-config.ts';
import { type Surroundings, UNKNOWN_SURROUNDINGS } from '../../../src/model/surroundings.ts';
import { type ExaminedModel, type HubFile, ModelError } from '../../../src/model/types.ts';
import type { Finding } from '../../../src/status/problem.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

let directory = '';
let clock: ManualClock;
let keeper: ModelKeeper;
let stop: AbortController;
let running: Promise<void>;
/** Monotonic seconds at which the hub was asked. */
let asked: number[];
let answer: Finding;
/** Happens while the hub is being asked. */
let meanwhile: () => void;
/** What the hub has; null: it refuses with `answer`. */
let found: ExaminedModel | null;
let around: Surroundings;
let downloads: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keeper-'));
  clock = createManualClock();
  asked = [];
  answer = { code: 'hub_unreachable', detail: 'nobody there' };
  meanwhile = () => undefined;
  found = null;
  around = UNKNOWN_SURROUNDINGS;
  downloads = 0;
  keeper = createModelKeeper({
    surroundings: () => around,
    hub: {
      resolve: async () => {
        asked.push(clock.monotonicMs() / 1000);
        meanwhile();
        if (found !== null) return found;
        throw new ModelError(answer);
      },
    },
    download: (_job, _model, _layout, signal) =>
      new Promise((_resolve, reject) => {
        downloads += 1;
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    clock,
    log: silentLog,
  });
  stop = new AbortController();
  running = keeper.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await running;
  await rm(directory, { recursive: true });
});

/** Lets the keeper finish the attempt that is due: its look at the disk takes real time. */
async function attempts(count: number): Promise<void> {
  while (asked.length < count) await nextTurn();
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
}

/** The model as the hub describes it. */
function examined(files: HubFile[] = []): ExaminedModel {
  const { identifier } = parseModelIdentifier('acme/tiny');
  if (identifier === undefined) throw new Error('not an identifier');
  const config = readModelConfig('{"architectures":["LlamaForCausalLM"]}');
  const facts = { config, fileBytes: 8e9, parameters: null, chatTemplate: true };
  return { identifier, commit: 'c'.repeat(40), files, facts };
}

describe('the keeper of the model', () => {
  it('wants nothing at first', () => {
    expect(keeper.snapshot()).toMatchObject({
      modelIdentifier: null,
      downloadStatus: 'pending',
      problem: null,
    });
  });

  it('tries an unreachable hub again after 5, 10 and 20 s, and shows when', async () => {
    keeper.setWanted({ text: 'acme/tiny', directory });
    await attempts(1);
    expect(keeper.snapshot()).toMatchObject({
      downloadStatus: 'pending',
      nextRetryAt: '2026-01-01T00:00:05Z',
      problem: { code: 'hub_unreachable', since: '2026-01-01T00:00:00Z' },
    });
    for (const [count, pause] of [
      [2, 5_000],
      [3, 10_000],
      [4, 20_000],
    ] as const) {
      await clock.advance(pause);
      await attempts(count);
    }
    expect(asked).toEqual([0, 5, 15, 35]);
    expect(keeper.snapshot().problem?.since).toBe('2026-01-01T00:00:00Z');
  });

  it('tries at once when a person asks', async () => {
    keeper.setWanted({ text: 'acme/tiny', directory });
    await attempts(1);
    keeper.retry();
    await attempts(2);
    expect(asked).toEqual([0, 0]);
  });

  it('lets a gated model rest until the token changes', async () => {
    answer = { code: 'model_gated', detail: 'terms' };
    keeper.setWanted({ text: 'acme/tiny', directory });
    await attempts(1);
    await clock.advance(86_400_000);
    expect(asked).toEqual([0]);
    expect(keeper.snapshot()).toMatchObject({ downloadStatus: 'failed', nextRetryAt: null });
    keeper.tokenChanged();
    await attempts(2);
  });

  it('uses a token that is saved while the hub is being asked with the one before', async () => {
    answer = { code: 'model_gated', detail: 'terms' };
    meanwhile = () => {
      meanwhile = () => undefined;
      keeper.tokenChanged();
    };
    keeper.setWanted({ text: 'acme/tiny', directory });
    await attempts(2);
    expect(asked).toEqual([0, 0]);
    await clock.advance(86_400_000);
    expect(asked).toEqual([0, 0]);
  });

  it.each(['model_not_found', 'hub_unreachable'] as const)(
    'tries again at once when a person asks while an attempt is under way that ends with %s',
    async (code) => {
      answer = { code, detail: code };
      meanwhile = () => {
        meanwhile = () => undefined;
        expect(keeper.retry()).toBeNull();
      };
      keeper.setWanted({ text: 'acme/tiny', directory });
      await attempts(2);
      expect(asked).toEqual([0, 0]);
    },
  );

  it.each([
    ['no file has been read', null, /compose file has not been read/],
    ['no model is named', { text: null, directory: '/models' }, /set MODEL_ID/],
    ['the id is none', { text: 'tiny', directory: '/models' }, /not of the form org\/name: .*tiny/],
    ['nothing is mounted for it', { text: 'acme/tiny', directory: null }, /mounts no host directory/],
  ] as const)('says why nothing is tried again when %s, and goes on answering', async (_, wanted, reason) => {
    if (wanted !== null) keeper.setWanted(wanted);
    expect(keeper.retry()).toMatch(reason);
    await clock.advance(1_000);
    expect(asked).toEqual([]);
  });

  it('goes on with a model that fits again before its download has ended for not fitting', async () => {
    found = examined();
    const gpus = (memoryBytes: number) => [{ name: 'a GPU', memoryBytes, computeCapability: '8.9' }];
    around = { ...UNKNOWN_SURROUNDINGS, gpus: gpus(24e9) };
    keeper.setWanted({ text: 'acme/tiny', directory });
    while (downloads < 1) await nextTurn();
    for (const bytes of [4e9, 24e9]) {
      around = { ...around, gpus: gpus(bytes) };
      keeper.surroundingsChanged();
    }
    while (downloads < 2) await nextTurn();
    expect(asked).toEqual([0]);
  });

  it('looks at the space again as soon as other images are to come', async () => {
    const hex = 'a'.repeat(40);
    found = examined([
      { path: 'config.json', sizeBytes: 10, etag: hex, hash: { algorithm: 'git-sha1', hex } },
    ]);
    around = { ...around, claims: [{ directory, bytes: 1e18, what: 'the image acme/api' }] };
    keeper.setWanted({ text: 'acme/tiny', directory });
    while (keeper.snapshot().problem === null) await nextTurn();
    expect(keeper.snapshot().problem).toMatchObject({ code: 'disk_too_small' });
    around = { ...around, claims: [] };
    keeper.surroundingsChanged();
    while (downloads < 1) await nextTurn();
    expect(asked).toEqual([0]);
  });

  it('does nothing when the same is wanted again', async () => {
    keeper.setWanted({ text: 'acme/tiny', directory });
    await attempts(1);
    keeper.setWanted({ text: 'acme/tiny', directory });
    await clock.advance(1_000);
    expect(asked).toEqual([0]);
  });

  it('forgets the problem of a model that is no longer wanted', async () => {
    keeper.setWanted({ text: 'acme/tiny', directory });
    await attempts(1);
    keeper.setWanted({ text: null, directory });
    expect(keeper.snapshot()).toMatchObject({ modelIdentifier: null, problem: null, nextRetryAt: null });
  });

  it('names an id that is none, and asks no hub for it', async () => {
    keeper.setWanted({ text: 'tiny', directory });
    await clock.advance(1_000);
    expect(keeper.snapshot()).toMatchObject({
      modelIdentifier: 'tiny',
      downloadStatus: 'failed',
      problem: { code: 'model_id_invalid' },
    });
    expect(asked).toEqual([]);
  });
});
