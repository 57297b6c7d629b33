import type { Static } from 'typebox';
import { afterEach, describe, expect, test } from 'vitest';
import type { ComposeProject } from '../../../src/compose/service-spec.ts';
import { silentLog } from '../../../src/lib/log.ts';
import type { Desired, ServicesSnapshot } from '../../../src/services/types.ts';
import { createExposure, type ExposureMemorySchema, UNEXPOSED } from '../../../src/wiring/exposure.ts';
import { projectOf } from '../../support/compose-input.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const SAFE = { features: { auth: true, enable_signup: false } };
const NOBODY = { features: { auth: true, enable_signup: false }, onboarding: true };
const SIGN_UP = { features: { auth: true, enable_signup: true } };

const file = (options: { ui?: string; api?: string; key?: string; chats?: string } = {}): ComposeProject =>
  projectOf(`name: box
services:
  api:
    image: example/api:1
    environment:
      VLLM_API_KEY: "${options.key ?? 'sk-1'}"
    ports: ["${options.api ?? '127.0.0.1'}:8000:8000"]
  ui:
    image: example/ui:1
    ports: ["${options.ui ?? '0.0.0.0'}:3000:8080"]
    volumes: ["${options.chats ?? '/opt/open-webui'}:/app/backend/data"]
`);

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A guard, what it handed on last, and a page that answers with `page`. */
function stage(remembered: Static<typeof ExposureMemorySchema> = UNEXPOSED) {
  const clock = createManualClock();
  const ending = new AbortController();
  const state = {
    memory: remembered,
    page: null as unknown,
    desired: null as Desired,
    asked: [] as string[],
  };
  const guard = createExposure({
    clock,
    log: silentLog,
    memory: {
      get: () => state.memory,
      set: async (next) => {
        state.memory = next;
      },
    },
    ask: async ({ host, port }) => {
      state.asked.push(`${host}:${port}`);
      return state.page;
    },
    apply: (desired) => {
      state.desired = desired;
    },
  });
  const ended = guard.run(ending.signal);
  endings.push(async () => {
    ending.abort();
    await ended;
  });
  const addressOf = (name: string) =>
    state.desired?.project.services.find((service) => service.name === name)?.ports[0]?.hostIp;
  /** A run of the page at an address, ready or not. */
  const run = async (id: string, hostIp: string, ready = true) => {
    guard.look({
      services: { ui: { ready, container_id: id, started_at: '2026-01-01T00:00:00Z' } },
      published: { ui: [{ hostIp, hostPort: 3000, target: '8080/tcp' }] },
    } as unknown as ServicesSnapshot);
    await clock.advance(0);
    await clock.advance(0);
  };
  return { guard, clock, state, addressOf, run };
}

const set = (project: ComposeProject): Desired => ({ project, overrides: {} });

describe('the chat page', () => {
  test('is made on loopback first, and where the file says once it has been seen safe', async () => {
    const { guard, state, addressOf, run, clock } = stage();
    guard.setDesired(set(file()));
    expect([addressOf('ui'), guard.settled()]).toEqual(['127.0.0.1', false]);
    state.page = SAFE;
    await run('first', '127.0.0.1', false);
    expect(state.asked).toEqual([]);
    await run('first', '127.0.0.1');
    expect(state.asked).toEqual(['127.0.0.1:3000']);
    expect([addressOf('ui'), guard.settled()]).toEqual(['0.0.0.0', false]);
    expect(state.desired?.because?.['ui']).toContain('safe now');
    expect(state.memory).toEqual({ page_safe_since: '2026-01-01T00:00:00Z', chats: '/opt/open-webui' });
    await run('second', '0.0.0.0');
    await clock.advance(1);
    expect([guard.settled(), guard.problems()]).toEqual([true, []]);
  });

  test('stays on loopback while it has no administrator, and is opened by itself once it has', async () => {
    const { guard, state, addressOf, run, clock } = stage();
    guard.setDesired(set(file()));
    state.page = NOBODY;
    await run('first', '127.0.0.1');
    expect([addressOf('ui'), guard.settled()]).toEqual(['127.0.0.1', true]);
    expect(guard.problems()).toMatchObject([
      { code: 'page_not_protected', detail: expect.stringContaining('has no administrator') },
    ]);
    state.page = SIGN_UP;
    await clock.advance(2_000);
    expect(guard.problems()[0]?.detail).toContain('lets anybody sign up');
    state.page = SAFE;
    await clock.advance(2_000);
    expect([addressOf('ui'), guard.problems()]).toEqual(['0.0.0.0', []]);
  });

  test('is opened at once after a restart of the daemon, and asked again all the same', async () => {
    const { guard, state, addressOf, run } = stage({
      page_safe_since: '2025-12-31T00:00:00Z',
      chats: '/opt/open-webui',
    });
    guard.setDesired(set(file()));
    expect([addressOf('ui'), guard.settled()]).toEqual(['0.0.0.0', true]);
    state.page = NOBODY;
    await run('first', '0.0.0.0');
    expect([addressOf('ui'), state.memory.page_safe_since]).toEqual(['127.0.0.1', null]);
    expect(state.desired?.because?.['ui']).toContain('not safe');
  });

  test('that runs open is left alone until it has been asked, where nothing is remembered', async () => {
    const { guard, state, run } = stage();
    const project = file();
    guard.setDesired(set(project));
    expect(state.desired?.accepted).toEqual({ ui: project.services[1] });
    state.page = SAFE;
    await run('first', '0.0.0.0');
    expect([state.desired?.project, guard.settled()]).toEqual([project, true]);
  });

  test('may let others sign up once its administrator has chosen that', async () => {
    const { guard, state, addressOf, run } = stage({
      page_safe_since: '2025-12-31T00:00:00Z',
      chats: '/opt/open-webui',
    });
    guard.setDesired(set(file()));
    state.page = SIGN_UP;
    await run('first', '0.0.0.0');
    expect([addressOf('ui'), guard.problems()]).toEqual(['0.0.0.0', []]);
  });

  test('with other chats is another page', () => {
    const { guard, addressOf } = stage({ page_safe_since: '2025-12-31T00:00:00Z', chats: '/opt/open-webui' });
    guard.setDesired(set(file({ chats: '/srv/chats' })));
    expect(addressOf('ui')).toBe('127.0.0.1');
  });

  test('on loopback by the file is nobody to ask about', async () => {
    const { guard, state, run } = stage();
    const project = file({ ui: '127.0.0.1' });
    guard.setDesired(set(project));
    await run('first', '127.0.0.1');
    expect([state.desired?.project, state.asked, guard.settled()]).toEqual([project, [], true]);
  });

  test('that does not answer is asked again, and holds the deployment up for a minute at most once it is safe', async () => {
    const { guard, state, run, clock } = stage();
    guard.setDesired(set(file()));
    await run('first', '127.0.0.1');
    expect(guard.settled()).toBe(false);
    state.page = SAFE;
    await clock.advance(2_000);
    expect(guard.settled()).toBe(false);
    await clock.advance(60_000);
    expect(guard.settled()).toBe(true);
  });
});

describe('the API', () => {
  test('is published for the network only with a key', () => {
    const { guard, addressOf } = stage();
    guard.setDesired(set(file({ api: '0.0.0.0' })));
    expect([addressOf('api'), guard.problems()]).toEqual(['0.0.0.0', []]);
    guard.setDesired(set(file({ api: '0.0.0.0', key: '' })));
    expect(addressOf('api')).toBe('127.0.0.1');
    expect(guard.problems()).toMatchObject([{ code: 'api_not_protected', class: 'fatal' }]);
    guard.setDesired(set(file({ key: '' })));
    expect(guard.problems()).toEqual([]);
  });
});
