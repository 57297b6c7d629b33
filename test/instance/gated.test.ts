import { beforeAll, describe, expect, it } from 'vitest';
import { missesTarget } from '../../src/status/expected.ts';
import type { Status } from '../../src/status/schema.ts';
import { tinyModelFiles } from '../stand-ins/tiny-model.ts';
import { STAGE_MODEL } from '../support/daemon-stage.ts';
import { safetensors } from '../support/model-files.ts';
import { READY_LIMIT_MS, untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const PREPARE_LIMIT_MS = 1_200_000;
const NAMED_LIMIT_MS = 60_000;
const TOKEN_FILE = '/etc/ai-sandbox/hf-token';
const TOKEN = 'hf_theTokenOfSomebodyWhoAccepted';
const OTHERS_TOKEN = 'hf_theTokenOfSomebodyWhoDidNot';
const REVOKED_TOKEN = 'hf_aTokenThatTheHubDoesNotKnow';
/** At this speed the download alone takes longer than the five minutes of a deployment. */
const WEIGHTS_BYTES = 6_000_000;
const SLOW_BYTES_PER_SECOND = 12_000;

const everything = process.env['AI_SANDBOX_TEST_ALL'] === '1';
/** Tokens that do not help, with what is then said. */
const useless: [token: string, code: string, words: string[]][] = [
  [REVOKED_TOKEN, 'token_invalid', []],
  [OTHERS_TOKEN, 'model_gated', ['403 (GatedRepo', 'the token is of the account stand-in']],
];

const files = { ...tinyModelFiles(), 'model.safetensors': safetensors('w', WEIGHTS_BYTES) };
const stage = instanceStage({
  files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, { bytes }])),
  gatedFor: { [TOKEN]: [STAGE_MODEL], [OTHERS_TOKEN]: [] },
});

describe('a server whose model is gated', () => {
  let machine: Machine;
  let daemon: string;

  const giveToken = (token: string) => machine.write(TOKEN_FILE, `${token}\n`, '0600');
  /** Login message, console, the command and the journal say what `/status` says. */
  const expectToldEverywhere = async ({ model }: Status) => {
    const { code, title, remedy } = model.problem ?? { code: '', title: '?', remedy: '?' };
    expect(unwrapped(await machine.login())).toContain(unwrapped(remedy));
    expect(await machine.login()).toMatch(new RegExp(`ERROR[\\s\\S]*${title}`));
    expect(unwrapped(await machine.console())).toContain(unwrapped(`ERROR: ${title} (${code})`));
    expect(unwrapped(await machine.console())).toContain(unwrapped(remedy));
    expect(unwrapped(await machine.must('ai-sandbox model show'))).toContain(unwrapped(remedy));
    // One line says it, of priority err; no other says the same in other words.
    const records = await machine.must('journalctl --sync; journalctl -u ai-sandbox -o cat --no-pager');
    const detail = model.problem?.detail ?? '?';
    const lines = records.split('\n').filter((line) => line.includes(detail));
    expect(lines).toEqual([expect.stringContaining(`${code}: ${title}: ${detail}. What to do: ${remedy}`)]);
    const errors = await machine.must('journalctl -u ai-sandbox -p err -o cat --no-pager');
    expect(errors).toContain(lines[0]);
  };

  beforeAll(async () => {
    machine = await stage.machine('gated');
    await machine.must('systemctl enable -q --now docker');
    await stage.installPackage(machine);
    daemon = await machine.must('systemctl show -P MainPID ai-sandbox');
  }, PREPARE_LIMIT_MS);

  it(
    'without a token it is named before the first byte: /status, login message, console, journal, and what to do',
    async () => {
      const status = await machine.waitFor(
        ({ model, services, deployment }) =>
          model.problem?.code === 'model_gated' &&
          services['api']?.waiting_for === 'model' &&
          deployment.deployment_status === 'failed',
        'it is named, with the images there',
        NAMED_LIMIT_MS,
      );
      expect(status.model).toMatchObject({
        model_identifier: STAGE_MODEL,
        download_status: 'failed',
        configuration_state: 'error',
        active_status: false,
        problem: { class: 'fatal' },
      });
      expect(status.model.problem?.detail).toContain(`${STAGE_MODEL}: 401 (GatedRepo`);
      for (const words of [`${stage.hub.url}/${STAGE_MODEL}`, TOKEN_FILE, 'open model: Qwen/'])
        expect(status.model.problem?.remedy).toContain(words);
      await expectToldEverywhere(status);
      expect(stage.hub.bytesSent()).toBe(0);
    },
    NAMED_LIMIT_MS * 2,
  );

  it.each(everything ? useless : [])(
    'a token that does not help is named: %s',
    async (token, code, words) => {
      await giveToken(token);
      const status = await machine.waitFor(
        ({ model }) =>
          model.problem?.code === code && words.every((word) => model.problem?.detail.includes(word)),
        `${code} is named`,
        NAMED_LIMIT_MS,
      );
      expect(status.model.configuration_state).toBe('error');
      expect(unwrapped(await machine.login())).toContain(unwrapped(status.model.problem?.title ?? '?'));
      expect(stage.hub.bytesSent()).toBe(0);
    },
    NAMED_LIMIT_MS * 2,
  );

  it(
    'with the token the download begins by itself; that it is too slow for the five minutes is told while it goes on',
    async () => {
      stage.hubGate.setSpeed(SLOW_BYTES_PER_SECOND);
      await giveToken(TOKEN);
      const { deployment, model, problems } = await machine.waitFor(
        (status) => status.model.download_status === 'downloading' && missesTarget(status.deployment),
        'it is downloaded, and takes too long',
        NAMED_LIMIT_MS,
      );
      expect(model).toMatchObject({ active_status: false, problem: null });
      expect(problems).toEqual([]);
      expect(deployment).toMatchObject({ deployment_status: 'in_progress', target_met: null });
      const login = await machine.login();
      expect(login).toMatch(/deployment in progress/i);
      expect(unwrapped(login)).toContain(unwrapped('takes longer than 5 min, at least'));
      expect(login).not.toContain('ERROR');
      const late = /deployment: takes longer than its target of 5 min, at least .*; it goes on/;
      expect(await machine.console()).toMatch(late);
      expect(await machine.must('cat /var/log/ai-sandbox/deployment.log')).toMatch(late);
      expect(await machine.must('ai-sandbox status')).toMatch(/target of 5 min missed, at least/);
    },
    NAMED_LIMIT_MS * 2,
  );

  it(
    'it completes by itself: /status, login message and console follow',
    async () => {
      stage.hubGate.setSpeed(null);
      const status = await untilReady(machine);
      expect(status.problems).toEqual([]);
      expect(status.model).toMatchObject({
        download_status: 'completed',
        configuration_state: 'ready',
        active_status: true,
        problem: null,
      });
      const login = await machine.login();
      expect(login).toContain('Deployment Complete');
      expect(login).not.toContain('ERROR');
      const console = await machine.console();
      expect(console).toMatch(/no longer: .*\(model_gated\)/);
      expect(console).toContain('deployment: completed');
      expect(await machine.must('systemctl show -P MainPID ai-sandbox')).toBe(daemon);
    },
    READY_LIMIT_MS * 2,
  );

  it('the token went to the hub alone, and stands in no log, message or status', async () => {
    const { requests } = stage.hub;
    const shown = requests.filter(({ authorization }) => authorization === `Bearer ${TOKEN}`);
    expect(shown.length).toBeGreaterThan(0);
    expect(requests.filter(({ host, authorization }) => host === 'localhost' && authorization)).toEqual([]);
    const told = await machine.must(
      'journalctl --sync; journalctl --no-pager -o cat; cat /etc/motd; find /var/log /var/lib/ai-sandbox -type f -exec cat {} +; curl -s localhost:9000/status',
    );
    for (const token of [TOKEN, OTHERS_TOKEN, REVOKED_TOKEN]) {
      expect(told).not.toContain(token);
      expect(await machine.console()).not.toContain(token);
    }
  });

  it.each(everything ? ['a reboot'] : [])(
    'after %s it is served at once, and nothing is downloaded again',
    async () => {
      const bytes = stage.hub.bytesSent();
      await machine.reboot();
      await untilReady(machine);
      expect(stage.hub.bytesSent()).toBe(bytes);
    },
    READY_LIMIT_MS * 2,
  );
});

/** Words alone: the login message is broken into lines, the console too. */
function unwrapped(text: string): string {
  return text.replace(/[\s|]+/g, '');
}
