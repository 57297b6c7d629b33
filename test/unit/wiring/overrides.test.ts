import { describe, expect, test } from 'vitest';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { createOverrides, type OverrideCase } from '../../../src/wiring/overrides.ts';
import { project, service } from '../services/support.ts';

const HEAL = { flag: '--max-model-len', value: '12848', cause: 'it did not fit' };
const CASE: OverrideCase = { model: 'org/name', gpu: 'RTX 4000' };
const AT = '2026-01-01T00:00:00Z';
const engine = (...command: string[]) => service('api', { command: ['org/name', ...command] });

function stage() {
  const stored = { text: '[]' };
  const lines: string[] = [];
  const log: Log = { ...silentLog, info: (line) => void lines.push(line) };
  const overrides = createOverrides(
    {
      get: () => JSON.parse(stored.text),
      set: (value) => {
        stored.text = JSON.stringify(value);
        return Promise.resolve();
      },
    },
    log,
  );
  const current = (api = engine(), of = CASE) => overrides.current(project([api]), of);
  return { overrides, current, lines, stored };
}

describe('an override', () => {
  test('holds for the service, and is still there for the next daemon', () => {
    const { overrides, current } = stage();
    expect(overrides.add(engine(), HEAL, CASE, AT)).toBe(true);
    expect(current()).toEqual({ api: { '--max-model-len': '12848' } });
    expect(current()).toEqual({ api: { '--max-model-len': '12848' } });
  });

  test.each<[string, Parameters<ReturnType<typeof stage>['current']>]>([
    ['another model', [engine(), { ...CASE, model: 'org/other' }]],
    ['another image', [service('api', { command: ['org/name'], image: 'vllm:2' })]],
    ['another GPU', [engine(), { ...CASE, gpu: 'H200' }]],
    ["a user's own value", [engine('--max-model-len', '8192')]],
  ])('ends with %s, and is forgotten for good', (_title, change) => {
    const { overrides, current, lines } = stage();
    overrides.add(engine(), HEAL, CASE, AT);
    expect(current(...change)).toEqual({});
    expect(lines).toHaveLength(1);
    expect(current()).toEqual({});
  });

  test('ends when the value that it stands for is taken out of the file', () => {
    const { overrides, current } = stage();
    overrides.add(engine('--max-model-len', '32768'), HEAL, CASE, AT);
    expect(current(engine('--max-model-len=32768'))).toEqual({ api: { '--max-model-len': '12848' } });
    expect(current(engine())).toEqual({});
  });

  test('made before the GPU was known belongs to the one that is known first, and ends with another', () => {
    const { overrides, current } = stage();
    overrides.add(engine(), HEAL, { ...CASE, gpu: null }, AT);
    expect(current(engine(), CASE)).not.toEqual({});
    expect(current(engine(), { ...CASE, gpu: 'H200' })).toEqual({});
  });

  test('is kept while the GPU is not known yet, and by edits of other flags', () => {
    const { overrides, current } = stage();
    overrides.add(engine(), HEAL, CASE, AT);
    expect(current(engine('--enforce-eager'), { ...CASE, gpu: null })).not.toEqual({});
  });

  test('is not made where it would not lower the value that failed', () => {
    const { overrides, current } = stage();
    expect(overrides.add(engine('--max-model-len', '8192'), HEAL, CASE, AT)).toBe(false);
    overrides.add(engine(), HEAL, CASE, AT);
    expect(overrides.add(engine(), HEAL, CASE, AT)).toBe(false);
    expect(overrides.add(engine(), { ...HEAL, value: '9000' }, CASE, AT)).toBe(true);
    expect(current()).toEqual({ api: { '--max-model-len': '9000' } });
  });

  test('replaces "auto" and a missing value', () => {
    const { overrides, current } = stage();
    expect(overrides.add(engine('--max-model-len', 'auto'), HEAL, CASE, AT)).toBe(true);
    expect(current(engine('--max-model-len', 'auto'))).not.toEqual({});
  });
});
