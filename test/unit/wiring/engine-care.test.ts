import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import type { Desired } from '../../../src/services/types.ts';
import { createEngineCare, pageAccount } from '../../../src/wiring/engine-care.ts';
import { createOverrides } from '../../../src/wiring/overrides.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';
import { project, service } from '../services/support.ts';

const API = service('api', { command: ['org/name', '--max-model-len', '32768'] });
const FILES = { project: project([API, service('ui')]), modelId: 'org/name', modelDirectory: '/opt/models' };
const HEAL = { kind: 'override', flag: '--max-model-len', value: '12848', cause: 'it did not fit' } as const;

/** The care with what it asked of the other rooms, in order. */
function stage(deleted: () => Promise<string[]> = () => Promise.resolve(['a.safetensors'])) {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const handed: Desired[] = [];
  let overrides = '[]';
  const care = createEngineCare({
    clock,
    log: silentLog,
    overrides: createOverrides(
      {
        get: () => JSON.parse(overrides),
        set: (value) => {
          overrides = JSON.stringify(value);
          return Promise.resolve();
        },
      },
      silentLog,
    ),
    loadTimes: { expected: () => ({ config: 1_000, serving: 2_500 }), remember: () => Promise.resolve() },
    deleteDamaged: (directory, modelId) => {
      asked.push(`check ${directory} ${modelId}`);
      return deleted();
    },
    fetchModel: () => asked.push('fetch'),
    onMove: () => undefined,
    onChange: () => undefined,
    onDesired: (desired) => handed.push(desired),
    onGate: () => asked.push(`gate ${care.repairing() ? 'closed' : 'open'}`),
  });
  return { care, clock, asked, handed };
}

describe('a context that has to be lowered', () => {
  test('is handed to the supervisor as an override, after the judgement that asked for it', async () => {
    const { care, handed } = stage();
    expect(care.setFiles(FILES)?.overrides).toEqual({});
    expect(care.heal('api', HEAL)).toBe(true);
    expect(handed).toEqual([]);
    await Promise.resolve();
    expect(handed.map((desired) => desired?.overrides)).toEqual([{ api: { '--max-model-len': '12848' } }]);
    expect(care.setFiles(FILES)?.overrides).toEqual({ api: { '--max-model-len': '12848' } });
  });

  test('is the reason for the new container, but not for one that a later edit of the file asks for', async () => {
    const { care, handed } = stage();
    care.setFiles(FILES);
    care.heal('api', HEAL);
    await Promise.resolve();
    expect(handed[0]?.because).toEqual({ api: 'it did not fit' });
    expect(care.setFiles(FILES)?.because).toEqual({});
  });

  test('is not lowered twice to the same, and never for another service', () => {
    const { care } = stage();
    care.setFiles(FILES);
    expect(care.heal('api', HEAL)).toBe(true);
    expect(care.heal('api', HEAL)).toBe(false);
    expect(care.heal('ui', { ...HEAL, value: '100' })).toBe(false);
  });

  test('is not lowered before any file has been read', () => {
    expect(stage().care.heal('api', HEAL)).toBe(false);
  });
});

describe('a damaged file', () => {
  const REFETCH = { kind: 'refetch', cause: 'damaged' } as const;

  test('closes the gate until it was deleted and the model room has looked', async () => {
    const { care, clock, asked } = stage();
    care.setFiles(FILES);
    expect(care.heal('api', REFETCH)).toBe(true);
    await clock.advance(1_000);
    expect(asked).toEqual(['gate closed', 'check /opt/models org/name', 'fetch']);
    await clock.advance(2_000);
    expect(asked.at(-1)).toBe('gate open');
  });

  test('that cannot be looked for opens the gate again', async () => {
    const { care, clock, asked } = stage(() => Promise.reject(new Error('no right')));
    care.setFiles(FILES);
    care.heal('api', REFETCH);
    await clock.advance(5_000);
    expect(asked.at(-1)).toBe('gate open');
  });

  test('is looked for once at a time', async () => {
    const { care, clock, asked } = stage();
    care.setFiles(FILES);
    care.heal('api', REFETCH);
    care.heal('api', REFETCH);
    await clock.advance(5_000);
    expect(asked.filter((line) => line.startsWith('check'))).toHaveLength(1);
  });
});

test('follows the start of the engine alone', () => {
  const { care } = stage();
  care.setFiles(FILES);
  care.onRun('ui', { kind: 'began', startedAt: null, image: 'image-ui', firstRun: true });
  expect(care.load()).toBeNull();
  care.onRun('api', { kind: 'began', startedAt: null, image: 'image-api', firstRun: true });
  care.onLogLine('api', { timestamp: '', stream: 'stdout', text: 'Starting to load model org/name...' });
  care.onLogLine('ui', { timestamp: '', stream: 'stdout', text: 'Application startup complete.' });
  expect(care.load()?.phase).toBe('load weights');
  care.onRun('api', { kind: 'ready' });
  expect(care.load()).toBeNull();
});

test('knows how long a load will take before it begins, and which model the page must offer', () => {
  const { care } = stage();
  expect(care.servedModel()).toBeNull();
  care.setFiles(FILES);
  expect(care.loadSeconds()).toBe(3.5);
  expect(care.servedModel()).toBe('org/name');
});

test('hands the overrides over anew when the GPU becomes known', () => {
  const { care, handed } = stage();
  care.setFiles(FILES);
  care.setGpu('RTX 4000');
  care.setGpu('RTX 4000');
  expect(handed).toHaveLength(1);
});

test('the account of the page is that of the file', () => {
  const environment = { WEBUI_ADMIN_EMAIL: 'a@b', WEBUI_ADMIN_PASSWORD: 'words' };
  expect(pageAccount({ environment })).toEqual({ email: 'a@b', password: 'words' });
  expect(pageAccount({ environment: {} })).toBeNull();
});
