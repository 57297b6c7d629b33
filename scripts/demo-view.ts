import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { parseEnvironmentFile } from '../src/compose/environment-file.ts';
import { systemClock } from '../src/lib/clock.ts';
import { errorMessage } from '../src/lib/errors.ts';
import { activities, progressAmounts } from '../src/status/activity.ts';
import type { Status } from '../src/status/schema.ts';
import { chatThroughApi, chatThroughPage } from './lib/demo-chats.ts';
import { createWait, problemText } from './lib/demo-wait.ts';
import { createLiveLine } from './lib/live-line.ts';

/** What a person sees of the demo: the way to ready, the login message, two chats, and what comes back after a kill. */
const POLL_MS = 500;

const { values: options } = parseArgs({
  options: {
    status: { type: 'string', default: '' },
    folder: { type: 'string', default: '' },
    project: { type: 'string', default: '' },
    daemon: { type: 'string', default: '' },
    once: { type: 'boolean', default: false },
    'stand-ins': { type: 'boolean', default: false },
  },
});
const daemonPid = Number(options.daemon);
const line = createLiveLine(process.stdout);
const shownProblems = new Set<string>();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => interrupted.abort(new Error('interrupted')));

async function readStatus(): Promise<Status | null> {
  try {
    const answer = await fetch(options.status, { signal: AbortSignal.timeout(5_000) });
    return (await answer.json()) as Status;
  } catch {
    return null;
  }
}

function daemonLives(): boolean {
  try {
    process.kill(daemonPid, 0);
    return true;
  } catch {
    return false;
  }
}

function describe(status: Status): string {
  const services = Object.entries(status.services)
    .map(([name, view]) => `${name} ${view.ready ? 'ready' : (view.waiting_for ?? view.service_status)}`)
    .join(', ');
  const phrases = activities(status).join(', ');
  const amounts = progressAmounts(status.progress);
  return [status.progress.phase, amounts, phrases, services].filter((part) => part !== '').join(' | ');
}

const isReady = (status: Status) =>
  status.deployment.deployment_status === 'completed' &&
  Object.values(status.services).every((view) => view.ready);

/** Shows the way until `done`, with every problem on it; throws when the daemon ends or waiting has no sense any more. */
async function watch(done: (status: Status) => boolean): Promise<Status> {
  const wait = createWait(systemClock.monotonicMs(), shownProblems);
  for (;;) {
    if (!daemonLives()) throw new Error('the daemon has ended');
    const status = await readStatus();
    if (status !== null) line.show(describe(status));
    const { fresh, end } = wait.look(status, systemClock.monotonicMs());
    for (const problem of fresh) {
      line.keep();
      console.log(problemText(problem));
    }
    if (status !== null && done(status)) {
      line.keep();
      return status;
    }
    if (end !== null) throw new Error(end);
    await systemClock.sleep(POLL_MS, interrupted.signal);
  }
}

function heading(text: string): void {
  console.log(`\n== ${text}`);
}

async function secondsOf<T>(work: () => Promise<T>): Promise<[T, string]> {
  const started = systemClock.monotonicMs();
  const result = await work();
  return [result, `${((systemClock.monotonicMs() - started) / 1000).toFixed(1)} s`];
}

async function demonstrate(): Promise<void> {
  heading('on the way to ready (from GET /status)');
  const [status, readySeconds] = await secondsOf(() => watch(isReady));
  console.log(`ready ${readySeconds} after the daemon's start`);

  heading(`the login message (${join(options.folder, 'motd')})`);
  console.log((await readFile(join(options.folder, 'motd'), 'utf8')).trimEnd());

  const { values } = parseEnvironmentFile(await readFile(join(options.folder, '.env'), 'utf8'), '.env');
  const value = (name: string) => values[name] ?? '';
  const api = `http://127.0.0.1:${value('API_PORT')}`;
  const page = `http://127.0.0.1:${value('UI_PORT')}`;
  heading('where it is');
  console.log(
    `page       ${page}   sign in as ${value('WEBUI_ADMIN_EMAIL')} with ${value('WEBUI_ADMIN_PASSWORD')}`,
  );
  console.log(`API        ${api}/v1   key ${value('VLLM_API_KEY')}`);
  console.log(`status     curl ${options.status}`);
  if (options['stand-ins']) console.log('These are stand-ins: no model is run, the answers are made up.');

  heading(`a streamed chat through the API with ${value('MODEL_ID')}`);
  const [tokens, apiSeconds] = await secondsOf(() =>
    chatThroughApi(api, value('VLLM_API_KEY'), value('MODEL_ID'), 'What keeps you alive?', (text) =>
      process.stdout.write(text),
    ),
  );
  console.log(`\n(${tokens} pieces in ${apiSeconds})`);

  heading('a chat through Open WebUI, after signing in');
  const answer = await chatThroughPage(
    page,
    value('WEBUI_ADMIN_EMAIL'),
    value('WEBUI_ADMIN_PASSWORD'),
    'And you?',
  );
  console.log(`models on the page: ${answer.models.join(', ')}`);
  console.log(answer.text);

  if (options.once) await comeBack(`${options.project}-ui`);

  const host = process.env['DOCKER_HOST'] === undefined ? '' : `DOCKER_HOST=${process.env['DOCKER_HOST']} `;
  heading('what to try next, in another terminal');
  console.log(`${host}docker kill ${options.project}-api     and watch it come back here`);
  console.log(
    `AI_SANDBOX_SOCKET=${join(options.folder, 'control.sock')} scripts/with-node npm run --silent ai-sandbox -- status`,
  );
  console.log(`curl ${options.status}`);
  if (!options.once) await follow(status);
}

/** Kills a container as a person would, and shows how it comes back. */
async function comeBack(container: string): Promise<void> {
  heading(`docker kill ${container}`);
  await promisify(execFile)('docker', ['kill', container]);
  const [, seconds] = await secondsOf(async () => {
    await watch((status) => !isReady(status));
    await watch(isReady);
  });
  const cause = (await readStatus())?.services['ui']?.last_exit?.cause;
  console.log(`back and ready after ${seconds}; the record says: ${cause}`);
}

/** One line for each change, until Ctrl-C. */
async function follow(first: Status): Promise<void> {
  console.log('\nwatching; Ctrl-C ends the demo and removes what it has started');
  let before = describeChanges(first);
  while (!interrupted.signal.aborted) {
    await systemClock.sleep(POLL_MS, interrupted.signal);
    const status = await readStatus();
    if (status === null) continue;
    const now = describeChanges(status);
    if (now !== before) console.log(`${status.time}  ${now}`);
    before = now;
  }
}

function describeChanges(status: Status): string {
  return Object.entries(status.services)
    .map(([name, view]) => {
      const exit = view.ready || view.last_exit === null ? '' : ` (${view.last_exit.cause})`;
      const state = view.ready ? 'ready' : view.service_status;
      return `${name} ${state}, ${view.restarts} restarts${exit}`;
    })
    .join('; ');
}

try {
  await demonstrate();
} catch (error) {
  line.keep();
  if (!interrupted.signal.aborted) {
    console.error(`\nthe demo failed: ${errorMessage(error)}`);
    process.exitCode = 1;
  }
}
