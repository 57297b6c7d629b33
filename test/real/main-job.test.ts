import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { REQUEST_DEADLINE_MS } from '../contract/http.ts';
import { bringUpTests } from './bring-up.ts';
import { type PageVisitor, signIn } from './page.ts';
import { containerLog, containerState, enginePid, mustDocker } from './parts.ts';
import { ask, MODEL, realStage, START_LIMIT_MS } from './stage.ts';

/** A failure's two minutes, and as long as a start may take. */
const RECOVERY_TIMEOUT_MS = START_LIMIT_MS + 120_000;
/** A hang is found within so long: the next probe, its deadline, and two more. */
const HANG_LIMIT_MS = 75_000;
/** Chats are counted once a minute. */
const CHATS_LIMIT_MS = 90_000;
const TIMESTAMP = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const CHAT_TITLE = 'A chat that must not be lost';
const CHAT_QUESTION = 'Will you still be here tomorrow?';
/** How vLLM's log names what it has compiled. */
const COMPILED = /torch_compile_cache\/torch_aot_compile\/[0-9a-f]{64}/;

// A test of the real ones may take as long as two of its requests.
vi.setConfig({ testTimeout: 2 * REQUEST_DEADLINE_MS });

const stage = realStage();
let visitor: PageVisitor;
let chatId = '';
let chatKeptAt = 0;

/** Compiled kernels in the cache on the host, with the times they were written. */
async function compiledKernels(folder: string): Promise<string[]> {
  const cache = join(folder, 'compile-cache');
  const names = (await readdir(cache, { recursive: true })).filter((name) => name.endsWith('.so')).sort();
  return Promise.all(names.map(async (name) => `${name} ${(await stat(join(cache, name))).mtimeMs}`));
}

bringUpTests(stage);

describe('the page', () => {
  it('lets the generated administrator in and offers the model', async () => {
    visitor = await signIn(stage.daemon);
    expect(await visitor.models()).toEqual([MODEL]);
  });

  it('streams a chat', async () => {
    expect((await visitor.chat(MODEL, CHAT_QUESTION)).length).toBeGreaterThan(1);
  });

  it('keeps a chat', async () => {
    chatId = await visitor.keepChat(MODEL, CHAT_TITLE, CHAT_QUESTION);
    chatKeptAt = Math.floor(Date.now() / 1000) * 1000;
    expect(await visitor.chatTitle(chatId)).toBe(CHAT_TITLE);
  });
});

describe('the engine process inside vLLM killed with SIGKILL', { timeout: RECOVERY_TIMEOUT_MS }, () => {
  it('the cause is recorded with the end of the log, and a chat is answered again', async () => {
    const before = await containerState(stage.parts, stage.container('api'));
    const killed = performance.now();
    process.kill(await enginePid(stage.parts, stage.container('api')), 'SIGKILL');
    await stage.daemon.waitFor(({ model }) => !model.active_status, 'the failure is reported', 30_000);
    stage.note('engine process killed → reported', killed);
    const { services } = await stage.recovered(
      'the engine is back',
      (now) => now.services['api']?.restarts === 1,
    );
    stage.note('engine process killed → ready', killed);
    expect(services['api']?.last_exit).toMatchObject({
      exit_code: 0,
      oom_killed: false,
      cause: expect.stringContaining('exited with code 0, not asked for'),
      attempt: 1,
    });
    expect(services['api']?.last_exit?.log_tail.join('\n')).toContain('engine core exited unexpectedly');
    expect(services['api']?.container_id).toBe(before.id);
    expect(await ask(stage)).not.toBe('');
  });

  it('Open WebUI was left alone, and answers through the new engine', async () => {
    expect((await stage.daemon.status()).services['ui']?.restarts).toBe(0);
    expect((await visitor.chat(MODEL, CHAT_QUESTION)).length).toBeGreaterThan(1);
  });
});

it('the kept chat is counted with the time of its last message, and nothing of its content is shown', {
  timeout: CHATS_LIMIT_MS + 10_000,
}, async () => {
  const status = await stage.daemon.waitFor(
    ({ chat }) => chat.session_count === 1,
    'the chat is counted',
    CHATS_LIMIT_MS,
  );
  expect(status.chat).toMatchObject({ persistence_state: 'persisted', last_message_at: TIMESTAMP });
  expect(Math.abs(Date.parse(status.chat.last_message_at ?? '') - chatKeptAt)).toBeLessThan(60_000);
  const shown = JSON.stringify(status) + stage.daemon.journal() + (await stage.daemon.motd());
  expect(shown).not.toContain(CHAT_TITLE);
  expect(shown).not.toContain(CHAT_QUESTION);
});

describe('the main process of both containers killed from the host', { timeout: RECOVERY_TIMEOUT_MS }, () => {
  it('both causes are recorded, both come back, and a chat is answered again', async () => {
    const killed = performance.now();
    for (const name of ['api', 'ui'] as const) {
      process.kill((await containerState(stage.parts, stage.container(name))).pid, 'SIGKILL');
    }
    await stage.daemon.waitFor(({ services }) => services['ui']?.ready === false, 'reported', 30_000);
    await stage.daemon.waitFor(({ services }) => services['ui']?.ready === true, 'the page is back', 120_000);
    stage.note('main processes killed → page ready', killed);
    const { services } = await stage.recovered(
      'both are back',
      (now) => now.services['api']?.restarts === 2 && now.services['ui']?.restarts === 1,
    );
    stage.note('main processes killed → both ready', killed);
    const cause = expect.stringContaining('exited with code 137 (signal 9), not asked for');
    expect(services['api']?.last_exit).toMatchObject({
      exit_code: 137,
      oom_killed: false,
      cause,
      attempt: 2,
    });
    expect(services['ui']?.last_exit).toMatchObject({ exit_code: 137, oom_killed: false, cause, attempt: 1 });
    expect(services['ui']?.last_exit?.log_tail.length).toBeGreaterThan(0);
    expect(await ask(stage)).not.toBe('');
  });

  it('the chat kept before is still in Open WebUI, and its database sound', async () => {
    expect(await visitor.chatTitle(chatId)).toBe(CHAT_TITLE);
    expect((await stage.daemon.status()).chat).toMatchObject({
      persistence_state: 'persisted',
      session_count: 1,
    });
  });
});

it('the daemon killed with SIGKILL and started again disturbs neither container', {
  timeout: 60_000,
}, async () => {
  const look = async () => ({
    api: await containerState(stage.parts, stage.container('api')),
    ui: await containerState(stage.parts, stage.container('ui')),
  });
  const before = await look();
  const restarts = (await stage.daemon.status()).services['api']?.restarts;
  const killed = performance.now();
  stage.daemon.kill('SIGKILL');
  await stage.daemon.ended;
  await stage.daemon.restart();
  const status = await stage.recovered('everything is seen ready', () => true);
  stage.note('daemon killed and started again → everything seen ready', killed);
  expect(await look()).toEqual(before);
  expect(status.deployment.deployment_status).toBe('completed');
  expect(status.services['api']?.restarts).toBe(restarts);
  expect(status.services['api']?.last_exit?.exit_code).toBe(137);
});

it('Open WebUI ended by docker stop from outside comes back, with a word on how to stop it', {
  timeout: RECOVERY_TIMEOUT_MS,
}, async () => {
  const stopped = performance.now();
  await mustDocker(stage.parts, ['stop', stage.container('ui')]);
  const { services } = await stage.recovered('the page is back', (now) => now.services['ui']?.restarts === 2);
  stage.note('docker stop of Open WebUI → ready', stopped);
  expect(services['ui']?.last_exit).toMatchObject({
    cause: expect.stringContaining('ai-sandbox stop ui'),
    attempt: 0,
  });
});

describe('vLLM stopped with the ai-sandbox command', { timeout: RECOVERY_TIMEOUT_MS }, () => {
  it('stays stopped, and is no failure', async () => {
    const began = performance.now();
    expect((await stage.daemon.cli(['stop', 'api'])).code).toBe(0);
    stage.note('ai-sandbox stop api', began);
    // Longer than the 30 s in which everything is looked at again.
    await new Promise((resolve) => setTimeout(resolve, 35_000));
    expect((await containerState(stage.parts, stage.container('api'))).running).toBe(false);
    const { services, model, problems } = await stage.daemon.status();
    expect(services['api']).toMatchObject({ service_status: 'stopped', wanted: false, problem: null });
    expect(model.active_status).toBe(false);
    expect(problems).toEqual([]);
  });
});

if (process.env['AI_SANDBOX_TEST_ALL'] === '1') {
  describe('the container of vLLM removed while it stands still', { timeout: RECOVERY_TIMEOUT_MS }, () => {
    it('is made anew, and takes the compiled graphs from the host', async () => {
      const name = stage.container('api');
      const first = await containerState(stage.parts, name);
      const [artefact] = COMPILED.exec(await containerLog(stage.parts, name)) ?? [];
      const kernels = await compiledKernels(stage.daemon.folder);
      expect(kernels.length).toBeGreaterThan(0);
      await mustDocker(stage.parts, ['rm', name]);
      const began = performance.now();
      const started = await stage.daemon.cli(['start', 'api'], { timeoutMs: RECOVERY_TIMEOUT_MS });
      expect(started.code, started.stderr).toBe(0);
      await stage.recovered('vLLM is back', () => true);
      stage.note('container of vLLM made anew → ready', began);
      expect((await containerState(stage.parts, name)).id).not.toBe(first.id);
      expect(COMPILED.exec(await containerLog(stage.parts, name))?.[0]).toBe(artefact);
      expect(await compiledKernels(stage.daemon.folder)).toEqual(kernels);
      expect(await ask(stage)).not.toBe('');
    });
  });

  describe('the engine of vLLM halted with SIGSTOP', { timeout: RECOVERY_TIMEOUT_MS + HANG_LIMIT_MS }, () => {
    it('is found though /health says 200, ended, and a chat is answered again', async () => {
      const name = stage.container('api');
      const halted = performance.now();
      process.kill(await enginePid(stage.parts, name), 'SIGSTOP');
      const { address } = await containerState(stage.parts, name);
      expect((await fetch(`http://${address}:8000/health`)).status).toBe(200);
      const found = await stage.daemon.waitFor(
        ({ services }) => services['api']?.last_exit?.cause.includes('answered no probe') === true,
        'the hang is found',
        HANG_LIMIT_MS,
      );
      stage.note('engine halted → found', halted);
      expect(found.model.active_status).toBe(false);
      await stage.recovered('the engine is back', () => true);
      stage.note('engine halted → ready', halted);
      expect(await ask(stage)).not.toBe('');
    });
  });
}
