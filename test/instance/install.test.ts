import { beforeAll, describe, expect, it } from 'vitest';
import { parseEnvironmentFile } from '../../src/compose/environment-file.ts';
import type { Status } from '../../src/status/schema.ts';
import { STAGE_MODEL } from '../support/daemon-stage.ts';
import { suites } from './extent.ts';
import { installerEnd, installerSteps, startInstaller } from './installer.ts';
import { READY_LIMIT_MS, runs, untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { instanceStage, SCRIPT_PATH } from './stage.ts';

const PREPARE_LIMIT_MS = 1_200_000;
/** The archive's packages come through a network that nobody controls. */
const INSTALL_LIMIT_MS = 600_000;
const STEP_LIMIT_MS = 180_000;
const TOKEN = 'hf_abcdefghijklmnopqrstuvwxyz012345';
/** Every character that a file or a shell may take for its own. */
const PASSWORD = `p'a"s\\s $HOME #x`;
const OTHERS_TEXT = 'Other people wrote this.';
const STEPS = [
  'settings',
  'container_toolkit',
  'docker',
  'package',
  'daemon',
  'gpu_driver',
  'gpu_driver_updates',
];
/** Fields of a run by hand: none. */
const BY_HAND = { MODEL_ID: undefined };

const stage = instanceStage();

describe.each(suites)('a fresh server with Debian %s on which the StackScript runs', (suite) => {
  let machine: Machine;
  let exit: number;
  let status: Status;
  /** What a login showed while the script was running, and until everything was ready. */
  const logins: string[] = [];
  let running: string;
  let bytes: number;

  beforeAll(async () => {
    machine = await stage.machine(`fresh-${suite}`, { suite, bare: true, processorWanted: true });
    await machine.must('dpkg -P curl');
    await machine.must('mkdir -p /root/.ssh; echo "ssh-ed25519 AAAA me" >/root/.ssh/authorized_keys');
    await machine.must(`echo '${OTHERS_TEXT}' >/etc/motd`);
    await startInstaller(stage, machine, {
      HF_TOKEN_PASSWORD: TOKEN,
      USER_NAME: 'anna',
      WEBUI_ADMIN_EMAIL: 'anna@example.org',
      WEBUI_ADMIN_PASSWORD: PASSWORD,
    });
    let watching = true;
    const watch = (async () => {
      while (watching) logins.push(await machine.login());
    })();
    try {
      exit = await installerEnd(machine, INSTALL_LIMIT_MS);
      status = await untilReady(machine);
    } finally {
      watching = false;
      await watch;
    }
    logins.push(await machine.login());
    running = await runs(machine);
    bytes = stage.hub.bytesSent();
  }, PREPARE_LIMIT_MS + INSTALL_LIMIT_MS);

  /** Waits until everything is ready with this address open. */
  const untilListening = async (address: string) => {
    const listens = `ss -Hltn | awk '{ print $4 }' | grep -Fx '${address}'`;
    await machine.waitUntil(listens, `${address} is open`, READY_LIMIT_MS);
    await untilReady(machine);
  };

  it('the script ends well, and the deployment is completed on the model of the form', () => {
    expect(exit).toBe(0);
    expect(status.deployment).toMatchObject({
      deployment_status: 'completed',
      default_model_identifier: STAGE_MODEL,
      target_seconds: 300,
      problem: null,
    });
    expect(status.problems).toEqual([]);
  });

  it('the five minutes begin with the script, and whether they were met is told', async () => {
    const [began] = await installerSteps(machine);
    const stamp = await machine.must("cut -d' ' -f1 /var/lib/ai-sandbox/installer-stamp");
    expect(status.deployment.deployment_timestamp).toBe(stamp);
    expect(Date.parse(stamp)).toBeLessThanOrEqual(Date.parse(began?.at ?? ''));
    const taken = (Date.parse(status.time) - Date.parse(stamp)) / 1000;
    expect(status.deployment.target_met).toBe(taken <= 300);
  });

  it('a login is told that it is in progress, then that it is complete, and what others wrote is kept', () => {
    const first = logins.find((text) => text.includes('ai-sandbox'));
    expect(first).toContain('ai-sandbox is being installed');
    expect(first).toMatch(/^As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m);
    expect(first).toContain(`If this does not move any more: bash ${SCRIPT_PATH}`);
    expect(logins.some((text) => /deployment in progress/i.test(text))).toBe(true);
    const last = logins.at(-1) ?? '';
    expect(last).toContain('Deployment Complete');
    expect(last).not.toContain('being installed');
    expect(last).not.toContain('ERROR');
    for (const text of logins) expect(text).toContain(OTHERS_TEXT);
  });

  it('every step is told with its duration: in deployment.log, on the console and to the daemon', async () => {
    const log = await machine.must('cat /var/log/ai-sandbox/deployment.log');
    const console = await machine.console();
    for (const step of STEPS) {
      const end = new RegExp(
        `^\\[\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\] installer: ${step}: (finished after \\d+ s|skipped: .+)$`,
        'm',
      );
      expect(log).toMatch(end);
      expect(console).toMatch(end);
    }
    for (const line of log.split('\n')) expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \S/);
    const told = await installerSteps(machine);
    const ends = told.filter(({ state }) => state !== 'started').map(({ step }) => step);
    expect(ends).toEqual([...STEPS, 'installer']);
    expect(await machine.must('cat /var/log/stackscript.log')).toContain('installer: finished after');
  });

  it('systemd shows the daemon running with its phase, and nothing on this server has failed', async () => {
    const shown = await machine.must('systemctl status --no-pager ai-sandbox');
    expect(shown).toMatch(/Active: active \(running\)/);
    expect(shown).toMatch(/Status: ".*ready.*"/);
    expect(await machine.must('systemctl is-enabled ai-sandbox docker')).toBe('enabled\nenabled');
    expect(await machine.must('systemctl --failed --no-legend')).toBe('');
  });

  it('the journal tells what the daemon did, and holds no error', async () => {
    expect(await machine.must('journalctl -u ai-sandbox -o cat --no-pager')).toContain('api is ready');
    const errors = await machine.run('journalctl -u ai-sandbox -p err -o cat --no-pager -q');
    expect(errors.stdout).toBe('');
  });

  it('the engine was set up before its first start, and has started once', async () => {
    expect(await machine.must('cat /etc/docker/daemon.json')).toContain('"max-concurrent-downloads": 10');
    const starts = await machine.must(
      'journalctl -u docker -o cat --no-pager | grep -c "^Started docker.service"',
    );
    expect(starts).toBe('1');
  });

  it('the fields of the form have arrived, and their files are for root alone', async () => {
    const text = await machine.must('cat /opt/ai-sandbox/.env');
    expect(parseEnvironmentFile(text, '.env')).toMatchObject({
      errors: [],
      values: {
        MODEL_ID: STAGE_MODEL,
        WEBUI_ADMIN_EMAIL: 'anna@example.org',
        WEBUI_ADMIN_PASSWORD: PASSWORD,
        API_BIND: '127.0.0.1',
      },
    });
    expect(await machine.must('stat -c "%a %U" /opt/ai-sandbox/.env /etc/ai-sandbox/hf-token')).toBe(
      '600 root\n600 root',
    );
    expect(await machine.must('cat /etc/ai-sandbox/hf-token')).toBe(TOKEN);
    expect(stage.hub.requests.map((request) => request.authorization)).toContain(`Bearer ${TOKEN}`);
  });

  it('no secret stands in a log, in the login message or in the arguments and environment of a process', async () => {
    const secrets = `${TOKEN}\n${PASSWORD}\n`;
    const leaks = await machine.run(
      `cat >/tmp/secrets; { journalctl --no-pager -o cat; cat /etc/motd /proc/[0-9]*/cmdline; find /var/log /var/lib/ai-sandbox -type f -exec cat {} +;
      for pid in $(pgrep -f "ai-sandbox|dockerd"); do cat /proc/$pid/environ; done; } 2>/dev/null | grep -aFf /tmp/secrets`,
      { input: secrets },
    );
    expect(leaks.stdout).toBe('');
    expect(await machine.console()).not.toContain(TOKEN);
  });

  it('the user of the form can log in with the keys of root, and has sudo, also without a password', async () => {
    expect((await machine.must('id -nG anna')).split(' ')).toEqual(
      expect.arrayContaining(['sudo', 'ai-sandbox']),
    );
    expect(await machine.must(`su anna -c 'sudo -n id -un'`)).toBe('root');
    expect(await machine.must('stat -c "%a %U" /etc/sudoers.d/90-ai-sandbox; visudo -cq')).toBe('440 root');
    expect(await machine.must('stat -c "%a %U" /home/anna/.ssh/authorized_keys')).toBe('600 anna');
  });

  it('that user can do what the login message says: look at the state, and try the API with the key', async () => {
    expect(await machine.must(`su anna -c 'ai-sandbox status'`)).toContain('No problems.');
    expect(await machine.must(`su anna -c 'ai-sandbox logs api --tail 1'`)).not.toBe('');
    const shown = await machine.login();
    const [, commands = ''] = /^Try the API\n([\s\S]*?)\n\n/m.exec(shown) ?? [];
    expect(commands).toContain('curl ');
    const answer = await machine.must('su anna -s /bin/bash', { input: `${commands}\n` });
    expect(JSON.parse(answer)).toMatchObject({ object: 'chat.completion' });
  });

  it('the chat page is open to the network, the API is not', async () => {
    const listening = await machine.must(
      'ss -Hltn "( sport = :3000 or sport = :8000 )" | awk \'{ print $4 }\'',
    );
    expect(listening.split('\n')).toContain('0.0.0.0:3000');
    expect(listening.split('\n')).toContain('127.0.0.1:8000');
    expect(listening).not.toContain('0.0.0.0:8000');
  });

  it(
    'a second run of the script finds everything there and changes nothing, neither with the fields of the first',
    async () => {
      await startInstaller(stage, machine);
      expect(await installerEnd(machine, STEP_LIMIT_MS)).toBe(0);
      const told = await installerSteps(machine);
      const second = told.slice(
        told.findLastIndex(({ step, state }) => step === 'installer' && state === 'started'),
      );
      const states = Object.fromEntries(second.map(({ step, state }) => [step, state]));
      expect(states).toMatchObject({ container_toolkit: 'skipped', docker: 'skipped', package: 'skipped' });
      await untilReady(machine);
      expect(await runs(machine)).toBe(running);
      expect(stage.hub.bytesSent()).toBe(bytes);
    },
    STEP_LIMIT_MS + READY_LIMIT_MS,
  );

  it(
    'nor by hand, without fields, where .env was edited meanwhile',
    async () => {
      await machine.must(`sed -i 's/^UI_BIND=.*/UI_BIND=127.0.0.1/' /opt/ai-sandbox/.env`);
      await untilListening('127.0.0.1:3000');
      const [text, before] = [await machine.must('cat /opt/ai-sandbox/.env'), await runs(machine)];
      await startInstaller(stage, machine, BY_HAND);
      expect(await installerEnd(machine, STEP_LIMIT_MS)).toBe(0);
      const { model } = await untilReady(machine);
      expect(model.model_identifier).toBe(STAGE_MODEL);
      expect(await machine.must('cat /opt/ai-sandbox/.env')).toBe(text);
      expect(await runs(machine)).toBe(before);
      expect(await machine.must(`su anna -c 'sudo -n id -un'`)).toBe('root');
    },
    STEP_LIMIT_MS + READY_LIMIT_MS * 2,
  );

  it(
    'a run with publish_api=yes opens the API to the network, for who has the key, and the login message warns; a repair leaves it so',
    async () => {
      await startInstaller(stage, machine, { PUBLISH_API: 'yes' });
      expect(await installerEnd(machine, STEP_LIMIT_MS)).toBe(0);
      await untilListening('0.0.0.0:8000');
      const asked = (key: string) =>
        machine.must(
          `curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer ${key}" http://$(hostname -i):8000/v1/models`,
        );
      expect(await asked('wrong')).toBe('401');
      expect(await asked("$(sed -n 's/^API key: //p' /home/anna/.credentials)")).toBe('200');
      await machine.waitUntil(
        'grep -q "SECURITY WARNING" /etc/motd && grep -q "Port 8000 is open to every network" /etc/motd',
        'the login message warns',
        READY_LIMIT_MS,
      );
      await startInstaller(stage, machine, BY_HAND);
      expect(await installerEnd(machine, STEP_LIMIT_MS)).toBe(0);
      await untilListening('0.0.0.0:8000');
    },
    STEP_LIMIT_MS * 2 + READY_LIMIT_MS * 2,
  );

  it(
    'a second run repairs a package that is damaged and an engine that is off',
    async () => {
      await machine.must('rm /usr/lib/ai-sandbox/main.mjs; systemctl disable -q --now docker docker.socket');
      await startInstaller(stage, machine);
      expect(await installerEnd(machine, STEP_LIMIT_MS)).toBe(0);
      await untilReady(machine);
      expect(await machine.must('systemctl is-enabled docker')).toBe('enabled');
    },
    STEP_LIMIT_MS + READY_LIMIT_MS,
  );
});
