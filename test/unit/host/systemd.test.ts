import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNotifier } from '../../../src/host/systemd.ts';

type Env = Record<string, string>;

/** Records what is sent, and how. */
function recorder(env: Env, broken = false) {
  const sent: string[] = [];
  const notifier = createNotifier(env, {
    pid: 42,
    isSocket: (descriptor) => descriptor < 100,
    write: (descriptor, message) => {
      if (broken) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      sent.push(`fd ${descriptor}: ${message}`);
    },
    runHelper: async (assignments) => {
      sent.push(`helper: ${assignments.join(' ')}`);
    },
  });
  return { sent, notifier };
}
const PASSED: Env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:notify' };

describe('createNotifier', () => {
  test.each<[string, Env, string[]]>([
    ['the descriptor that systemd names', PASSED, ['fd 4: READY=1']],
    ['the descriptor of a launcher', { SD_NOTIFY_FD: '7' }, ['fd 7: READY=1']],
    ['the helper', { NOTIFY_SOCKET: '/run/systemd/notify' }, ['helper: READY=1']],
    ['nobody without systemd', {}, []],
    ['nobody when the descriptors are for another process', { ...PASSED, LISTEN_PID: '41' }, []],
    ['nobody when fewer descriptors came than names', { ...PASSED, LISTEN_FDS: '1' }, []],
    ['nobody when the number is none', { SD_NOTIFY_FD: '7x' }, []],
    [
      'the helper when the descriptor is no socket',
      { SD_NOTIFY_FD: '100', NOTIFY_SOCKET: '@a' },
      ['helper: READY=1'],
    ],
  ])('tells %s', async (_whom, env, expected) => {
    const { sent, notifier } = recorder(env);
    notifier.ready();
    await notifier.flush();
    expect(sent).toEqual(expected);
  });

  test('gives each message as systemd wants it, on one line', () => {
    const { sent, notifier } = recorder({ ...PASSED, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' });
    notifier.status('loading\nREADY=1');
    notifier.watchdog();
    notifier.stopping();
    expect(sent).toEqual(['fd 4: STATUS=loading READY=1', 'fd 4: WATCHDOG=1', 'fd 4: STOPPING=1']);
  });

  test('runs one helper at a time, the next with the latest of everything', async () => {
    const { sent, notifier } = recorder({ NOTIFY_SOCKET: '@a' });
    notifier.ready();
    notifier.status('1 %');
    notifier.status('2 %');
    await Promise.resolve();
    notifier.status('3 %');
    notifier.status('4 %');
    await notifier.flush();
    expect(sent).toEqual(['helper: READY=1 STATUS=2 %', 'helper: STATUS=4 %']);
  });

  test('turns to the helper for good when the socket is dead', async () => {
    const { sent, notifier } = recorder({ ...PASSED, NOTIFY_SOCKET: '@a' }, true);
    notifier.ready();
    await notifier.flush();
    expect(sent).toEqual(['helper: READY=1']);
  });

  test.each<[string, Env, number | null]>([
    ['a third of the period', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }, 20_000],
    ['the same without a process id', { WATCHDOG_USEC: '3000000' }, 1000],
    ['nothing for another process', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '41' }, null],
    ['nothing when systemd does not watch', {}, null],
    ['nothing for nonsense', { WATCHDOG_USEC: 'soon' }, null],
  ])('pings after %s', (_what, env, expected) => {
    const { sent, notifier } = recorder({ ...PASSED, ...env });
    notifier.watchdog();
    expect([notifier.watchdogIntervalMs, sent.length]).toEqual([expected, expected === null ? 0 : 1]);
  });
});

describe('the helper', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'notify-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('is systemd-notify, with nothing of the environment but its socket', async () => {
    const helper = join(directory, 'systemd-notify');
    await writeFile(
      helper,
      `#!/bin/sh\n{ echo "$@"; env | grep -v ^PWD= | grep -v ^_=; } > ${directory}/seen\n`,
    );
    await chmod(helper, 0o755);
    const PATH = `${directory}:/usr/bin:/bin`;
    const notifier = createNotifier({ NOTIFY_SOCKET: '@a', PATH, HF_TOKEN: 'secret' });
    notifier.ready();
    notifier.status('loading the model');
    await notifier.flush();
    const seen = (await readFile(join(directory, 'seen'), 'utf8')).trim().split('\n').sort();
    expect(seen).toEqual(['NOTIFY_SOCKET=@a', `PATH=${PATH}`, 'READY=1 STATUS=loading the model'].sort());
  });

  test('may be missing', async () => {
    const notifier = createNotifier({ NOTIFY_SOCKET: '@a', PATH: directory });
    notifier.ready();
    await expect(notifier.flush()).resolves.toBeUndefined();
  });
});
