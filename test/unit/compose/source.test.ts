import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComposeSource, type LoadResult, POLL_MS, QUIET_MS } from '../../../src/compose/source.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';

/** A clock whose waits end when the test says so; file notifications end them too, through the signal. */
function steppedClock() {
  const waiting: { ms: number; wake: () => void }[] = [];
  let arrived: (() => void) | null = null;
  const clock: Clock = {
    monotonicMs: () => 0,
    now: () => new Date(0),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const entry = { ms, wake: resolve };
        waiting.push(entry);
        arrived?.();
        signal?.addEventListener('abort', () => {
          const at = waiting.indexOf(entry);
          if (at >= 0) waiting.splice(at, 1);
          reject(signal.reason);
        });
      }),
  };
  /** Waits until the source sleeps for `ms`, without ending it. */
  const untilSleeping = async (ms: number) => {
    while (!waiting.some((entry) => entry.ms === ms))
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
  };
  /** Waits until the source sleeps for `ms`, then lets that time be over. */
  const pass = async (ms: number) => {
    await untilSleeping(ms);
    const [entry] = waiting.splice(
      waiting.findIndex((candidate) => candidate.ms === ms),
      1,
    );
    entry?.wake();
  };
  return { clock, pass, untilSleeping };
}

/** Puts a file in its place in one step: a half-written one would count as a change of its own. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

const service = (image: string, more = '') => `name: box\nservices: {a: {image: "${image}"${more}}}\n`;

describe('the source of the desired state', () => {
  let directory: string;
  let file: string;
  let stop: AbortController;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'source-'));
    file = join(directory, 'docker-compose.yml');
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await rm(directory, { recursive: true, force: true });
  });

  const sourceOf = (options: { environment?: Record<string, string>; pinned?: string; clock?: Clock } = {}) =>
    createComposeSource({
      file,
      environment: options.environment ?? {},
      pinnedModelId: options.pinned ?? null,
      clock: options.clock ?? steppedClock().clock,
      log: silentLog,
    });
  const imageOf = (result: LoadResult) =>
    'project' in result ? result.project.services[0]?.image : result.errors[0]?.message;

  describe('loaded', () => {
    it('says that a file is missing, as a value', async () => {
      expect(await sourceOf().load()).toEqual({
        missing: true,
        errors: [{ file, line: 1, column: 1, key: '', message: 'the file does not exist' }],
      });
    });

    it('takes expressions from .env and not from the environment of the daemon', async () => {
      await writeFile(file, service('${A:-none}-${B:-none}'));
      await writeFile(join(directory, '.env'), 'A=a\n');
      expect(imageOf(await sourceOf({ environment: { A: 'no', B: 'no' } }).load())).toBe('a-none');
    });

    it('takes names that the file lets in from the environment of the daemon', async () => {
      await writeFile(file, `x-ai-sandbox: {environment: [A, C]}\n${service('${A}-${B:-none}-${C:-none}')}`);
      await writeFile(join(directory, '.env'), 'A=a\n');
      expect(imageOf(await sourceOf({ environment: { A: 'daemon', B: 'no' } }).load())).toBe(
        'daemon-none-none',
      );
    });

    it('lets a pinned model win over .env', async () => {
      await writeFile(file, service('${MODEL_ID}'));
      await writeFile(join(directory, '.env'), 'MODEL_ID=a/b\n');
      expect(imageOf(await sourceOf().load())).toBe('a/b');
      expect(imageOf(await sourceOf({ pinned: 'c/d' }).load())).toBe('c/d');
    });

    it('never shows the token of the hub to an expression, wherever it stands', async () => {
      await writeFile(file, service('${HF_TOKEN:-hidden}', ', environment: [HF_TOKEN]'));
      await writeFile(join(directory, '.env'), 'HF_TOKEN=hf_planted_secret\n');
      const result = await sourceOf({ environment: { HF_TOKEN: 'hf_planted_secret' } }).load();
      expect(imageOf(result)).toBe('hidden');
      expect(JSON.stringify(result)).not.toContain('hf_planted_secret');
    });

    it('brings errors of .env together with those of the file', async () => {
      await writeFile(file, 'services: {a: {imag: x}}');
      await writeFile(join(directory, '.env'), 'A="open');
      const result = await sourceOf().load();
      expect('errors' in result && result.errors.map((error) => error.file)).toEqual([
        join(directory, '.env'),
        file,
        file,
      ]);
    });

    it('says of UTF-16 text that it is UTF-8 that is wanted', async () => {
      await writeFile(file, `\uFEFF${service('one')}`, 'utf16le');
      expect(imageOf(await sourceOf().load())).toBe('it is UTF-16 text; save it as UTF-8');
    });

    it('refuses what is no file of a sensible size', async () => {
      await mkdir(file);
      expect(imageOf(await sourceOf().load())).toBe('it is not an ordinary file');
      await rm(file, { recursive: true });
      await writeFile(file, Buffer.alloc(1024 * 1024 + 1, '#'));
      expect(imageOf(await sourceOf().load())).toContain('1048577 bytes');
    });
  });

  describe('watched', () => {
    /** Starts watching after a first load, and loads anew after each report; `next` is what that gave. */
    async function watched({ unfinished }: { unfinished?: () => boolean } = {}) {
      const { clock, pass, untilSleeping } = steppedClock();
      const source = sourceOf({ clock });
      await source.load();
      const results: LoadResult[] = [];
      let told: () => void = () => undefined;
      const changes: boolean[] = [];
      const onChange = async (changed: boolean) => {
        changes.push(changed);
        results.push(await source.load());
        told();
      };
      const done = source.watch(onChange, stop.signal, unfinished);
      const next = async () => {
        while (results.length === 0)
          await new Promise<void>((resolve) => {
            told = resolve;
          });
        return results.shift();
      };
      await untilSleeping(POLL_MS);
      return { pass, untilSleeping, next, results, changes, done };
    }

    it('reports a change after it has rested for 2 s', async () => {
      await writeFile(file, service('one'));
      const { pass, next } = await watched();
      await put(file, service('two'));
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('two');
    });

    it('waits while the file still changes, and reports once', async () => {
      await writeFile(file, service('one'));
      const { pass, untilSleeping, next, results } = await watched();
      await put(file, service('two'));
      await untilSleeping(QUIET_MS);
      await put(file, service('three'));
      await pass(QUIET_MS);
      await untilSleeping(QUIET_MS);
      expect(results).toEqual([]);
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('three');
      await untilSleeping(POLL_MS);
      expect(results).toEqual([]);
    });

    it('sees a file that an editor puts in its place, one that goes, and one that comes back', async () => {
      await writeFile(file, service('one'));
      const { pass, next } = await watched();
      await put(file, service('two'));
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('two');
      await rm(file);
      await pass(QUIET_MS);
      expect(await next()).toMatchObject({ missing: true });
      await put(file, service('three'));
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('three');
    });

    it('sees changes of .env and of an env_file in another directory', async () => {
      await mkdir(join(directory, 'other'));
      await writeFile(join(directory, 'other/e.env'), 'A=1');
      await writeFile(file, service('${I:-none}', ', env_file: other/e.env'));
      const { pass, next } = await watched();
      await put(join(directory, '.env'), 'I=set');
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('set');
      await put(join(directory, 'other/e.env'), 'A=2');
      await pass(QUIET_MS);
      expect(await next()).toMatchObject({ project: { services: [{ environment: { A: '2' } }] } });
    });

    it('finds by polling what no notification tells: a directory that comes later', async () => {
      await rm(directory, { recursive: true });
      const { pass, next } = await watched();
      await mkdir(directory);
      await put(file, service('one'));
      await pass(POLL_MS);
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('one');
    });

    it('reports nothing when a file is written anew with the same content', async () => {
      await writeFile(file, service('one'));
      const { pass, untilSleeping, results } = await watched();
      await put(file, service('two'));
      await untilSleeping(QUIET_MS);
      await put(file, service('one'));
      await pass(QUIET_MS);
      await pass(QUIET_MS);
      await untilSleeping(POLL_MS);
      expect(results).toEqual([]);
    });

    it('reports again, after the same rest, while something was left undone', async () => {
      await writeFile(file, service('one'));
      let left = true;
      const { pass, untilSleeping, next, changes, results } = await watched({ unfinished: () => left });
      await pass(POLL_MS);
      await pass(QUIET_MS);
      expect(imageOf((await next()) ?? { errors: [], missing: true })).toBe('one');
      expect(changes).toEqual([false]);
      await untilSleeping(POLL_MS);
      left = false;
      await pass(POLL_MS);
      await untilSleeping(POLL_MS);
      expect(results).toEqual([]);
    });

    it('ends when it is told to', async () => {
      const { done } = await watched();
      stop.abort();
      await done;
    });
  });
});
