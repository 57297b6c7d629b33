import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everything, suites } from './extent.ts';
import { READY_LIMIT_MS, runs, untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { rootImage } from './root-image.ts';
import { instanceStage } from './stage.ts';

const run = promisify(execFile);
const buildDeb = join(import.meta.dirname, '../../scripts/build-deb');

const PREPARE_LIMIT_MS = 1_200_000;
const CASE_LIMIT_MS = READY_LIMIT_MS * 2;
const BUILD_LIMIT_MS = 900_000;
/** What a person is promised: a daemon that hangs is replaced within this time. */
const REPLACED_WITHIN_MS = 90_000;
/** What `systemd-analyze security` may say at most. */
const EXPOSURE_LIMIT = 2.5;
const OTHERS_TEXT = 'Other people wrote this.';
const NEWER = '99.1.0';
const DROP_INS = '/etc/systemd/system/ai-sandbox.service.d';
const DEB_QUIET = 'export DEBIAN_FRONTEND=noninteractive;';

const stage = instanceStage();

/** Process id of the daemon. */
async function daemonPid(machine: Machine): Promise<string> {
  return machine.must('systemctl show -P MainPID ai-sandbox');
}

/** Waits until another process is the daemon, ready; returns how long it took. */
async function untilReplaced(machine: Machine, pid: string, limitMs: number): Promise<number> {
  const began = performance.now();
  await machine.waitUntil(
    `p=$(systemctl show -P MainPID ai-sandbox); [ "$p" != 0 ] && [ "$p" != ${pid} ] && systemctl -q is-active ai-sandbox`,
    'another daemon',
    limitMs,
  );
  return performance.now() - began;
}

/** Records of priority err or worse that the daemon has written since a moment. */
async function errorsSince(machine: Machine, since: string): Promise<string[]> {
  const text = await machine.must(
    `journalctl --sync; journalctl -u ai-sandbox -t ai-sandbox -p err --since '${since}' -o cat --no-pager`,
  );
  return text === '' ? [] : text.split('\n');
}

/** The moment of now for {@link errorsSince}, as journalctl takes it. */
async function journalMoment(machine: Machine): Promise<string> {
  return machine.must('date +@%s.%6N');
}

describe.each(suites)(
  'the package on Debian %s',
  { timeout: CASE_LIMIT_MS + REPLACED_WITHIN_MS },
  (suite) => {
    let machine: Machine;
    let running: string;
    let newer: string;
    let scratch: string;

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'package-'));
      const built = await run(buildDeb, ['--fast', '--version', NEWER, '--out', scratch], {
        timeout: BUILD_LIMIT_MS,
      });
      newer = built.stdout.trim().split('\n').at(-1) ?? '';
      machine = await stage.machine(`package-${suite}`, { suite });
      await machine.must(`systemctl enable -q --now docker; echo '${OTHERS_TEXT}' >/etc/motd`);
      await stage.installPackage(machine);
      await untilReady(machine);
      running = await runs(machine);
    }, PREPARE_LIMIT_MS);
    afterAll(() => rm(scratch, { recursive: true, force: true }));

    it('enables and starts the daemon, which puts the compose file for this machine into its place', async () => {
      expect(await machine.must('systemctl is-enabled ai-sandbox; systemctl is-active ai-sandbox')).toBe(
        'enabled\nactive',
      );
      await machine.must(
        'cmp /opt/ai-sandbox/docker-compose.yml /usr/share/ai-sandbox/docker-compose.cpu.yml',
      );
      expect(await machine.must('ai-sandbox status')).toContain('No problems.');
      expect(await machine.must('systemctl show -P StatusText ai-sandbox')).toBe('ready');
    });

    it('has a manual page and a completion that work', async () => {
      // Images of containers are often set up to leave manual pages out, this one too.
      const page = await machine.must(
        'dpkg-deb --fsys-tarfile /root/ai-sandbox.deb | tar -xO ./usr/share/man/man1/ai-sandbox.1.gz | zcat',
      );
      expect(page).toContain('.B reload');
      expect(
        await machine.must(
          '. /usr/share/bash-completion/completions/ai-sandbox; COMP_WORDS=(ai-sandbox stop ""); COMP_CWORD=2; _ai_sandbox; echo "${COMPREPLY[*]}"',
        ),
      ).toBe('--help api ui');
    });

    it(`is exposed at most ${EXPOSURE_LIMIT} by the judgement of systemd-analyze, and the unit has no mistakes`, async () => {
      const verdict = await machine.must('systemd-analyze security ai-sandbox --no-pager | tail -1');
      const exposure = Number(/: (\d+\.\d+) /.exec(verdict)?.[1]);
      expect(exposure).toBeGreaterThan(0);
      expect(exposure).toBeLessThanOrEqual(EXPOSURE_LIMIT);
      const { stdout, stderr } = await machine.run('systemd-analyze verify --man=no ai-sandbox.service');
      expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('ai-sandbox'))).toEqual([]);
    });

    it('the sandbox lets the daemon do its duties: the login message is replaced as a whole, the socket is for its group', async () => {
      // A second name keeps the inode of the first file: once free, it could be given to a file that replaces it.
      await machine.must('ln /etc/motd /etc/motd.before');
      await machine.must('systemctl restart ai-sandbox');
      await untilReady(machine);
      const [before, now] = (await machine.must('stat -c %i /etc/motd.before /etc/motd')).split('\n');
      expect(now).not.toBe(before);
      await machine.must('rm /etc/motd.before');
      expect(await machine.must('stat -c "%U:%G %a" /run/ai-sandbox/control.sock')).toBe(
        'root:ai-sandbox 660',
      );
      expect((await machine.status())?.problems).toEqual([]);
    });

    it('after SIGKILL the login message and the console say at once that nobody watches; a new daemon takes over the same containers', async () => {
      const pid = await daemonPid(machine);
      // Longer than the pause before the restart, so that it can be looked at.
      await machine.must(
        'mkdir -p /run/systemd/system/ai-sandbox.service.d; printf "[Service]\\nRestartSec=10\\n" >/run/systemd/system/ai-sandbox.service.d/slow.conf; systemctl daemon-reload',
      );
      await machine.must(`kill -9 ${pid}`);
      await machine.waitUntil('grep -q "daemon is not running" /etc/motd', 'the stamp', 8_000);
      const login = await machine.login();
      expect(login).toContain(OTHERS_TEXT);
      expect(login).toContain('The daemon was killed by signal KILL.');
      expect(await machine.console()).toContain(
        'the daemon was killed by signal KILL; nothing watches what runs',
      );
      await untilReplaced(machine, pid, 60_000);
      await machine.must('rm -r /run/systemd/system/ai-sandbox.service.d; systemctl daemon-reload');
      await untilReady(machine);
      expect(await runs(machine)).toBe(running);
      expect(await machine.login()).not.toContain('not running');
    });

    it('a daemon that hangs is replaced within 90 s, and its containers are left alone', async () => {
      const pid = await daemonPid(machine);
      await machine.must(`kill -STOP ${pid}`);
      expect(await untilReplaced(machine, pid, REPLACED_WITHIN_MS)).toBeLessThan(REPLACED_WITHIN_MS);
      expect(
        await machine.must('journalctl --sync; journalctl -u ai-sandbox -n 60 -o cat --no-pager'),
      ).toContain("Failed with result 'watchdog'");
      await untilReady(machine);
      expect(await runs(machine)).toBe(running);
    });

    describe('systemctl reload', () => {
      const settings = '/etc/default/ai-sandbox';
      const compose = '/opt/ai-sandbox/docker-compose.yml';

      it('brings a setting into force that may change at run time', async () => {
        const pid = await daemonPid(machine);
        await machine.must(`echo AI_SANDBOX_LOG_LEVEL=debug >>${settings}; systemctl reload ai-sandbox`);
        const since = await journalMoment(machine);
        await machine.must(`sed -i '/^AI_SANDBOX_LOG_LEVEL/d' ${settings}; ai-sandbox reload`);
        const records = await machine.must(
          `journalctl --sync; journalctl -u ai-sandbox --since '${since}' -o cat --no-pager`,
        );
        expect(records).toContain('settings that changed: AI_SANDBOX_LOG_LEVEL');
        expect(await daemonPid(machine)).toBe(pid);
      });

      it.each([
        [
          'a mistake in the compose file',
          `echo 'bogus: 1' >>${compose}`,
          `sed -i '/^bogus/d' ${compose}`,
          'bogus',
        ],
        [
          'a setting that takes effect only at a start',
          `echo AI_SANDBOX_SOCKET=/run/other.sock >>${settings}`,
          `sed -i '/^AI_SANDBOX_SOCKET/d' ${settings}`,
          'AI_SANDBOX_SOCKET takes effect only with: systemctl restart ai-sandbox',
        ],
        [
          'a bad value',
          `echo AI_SANDBOX_LISTEN=nonsense >>${settings}`,
          `sed -i '/^AI_SANDBOX_LISTEN/d' ${settings}`,
          'AI_SANDBOX_LISTEN is "nonsense"',
        ],
      ])('fails for %s, says why, and the daemon goes on', async (_what, spoil, mend, reason) => {
        const pid = await daemonPid(machine);
        const since = await journalMoment(machine);
        await machine.must(spoil);
        const reload = await machine.run('systemctl reload ai-sandbox');
        await machine.must(mend);
        expect(reload.code).not.toBe(0);
        const errors = await errorsSince(machine, since);
        const record = errors.find((line) => line.startsWith('reload_failed: '));
        expect(record).toContain(reason);
        expect(record).toContain('What to do: ');
        await machine.must('systemctl reload ai-sandbox');
        expect(await daemonPid(machine)).toBe(pid);
        await untilReady(machine);
        expect(await runs(machine)).toBe(running);
      });
    });

    it('a bad setting ends the daemon for good, with one record of priority err, and the login message says what to do', async () => {
      const since = await journalMoment(machine);
      await machine.must('echo AI_SANDBOX_LISTEN=nonsense >>/etc/default/ai-sandbox');
      expect((await machine.run('systemctl restart ai-sandbox')).code).not.toBe(0);
      expect(await errorsSince(machine, since)).toEqual([
        expect.stringMatching(/^setting_invalid: .*AI_SANDBOX_LISTEN is "nonsense".*What to do: /),
      ]);
      await machine.waitUntil('grep -q "value that is not allowed" /etc/motd', 'the stamp', 8_000);
      expect(await machine.run('systemctl is-failed ai-sandbox')).toMatchObject({ stdout: 'failed\n' });
      await machine.must(
        "sed -i '/^AI_SANDBOX_LISTEN/d' /etc/default/ai-sandbox; systemctl restart ai-sandbox || { journalctl -u ai-sandbox -n 30 -o cat --no-pager; false; }",
      );
      await untilReady(machine);
      expect(await runs(machine)).toBe(running);
    });

    it('a credential of systemd reaches the daemon as the hub token', async () => {
      // Outside of containers PID 1 does this at boot; without it a credential's own mount is seen by nobody.
      await machine.must('mount --make-rshared /; systemctl restart ai-sandbox');
      const read = `nsenter -t $(systemctl show -P MainPID ai-sandbox) -m cat /run/credentials/ai-sandbox.service/hf-token`;
      expect(await machine.must(read)).toBe('');
      await machine.must('mkdir -p -m 0700 /etc/credstore; echo hf_fromthestore >/etc/credstore/hf-token');
      await machine.must('systemctl restart ai-sandbox');
      expect(await machine.must(read)).toBe('hf_fromthestore');
      await machine.must('rm -r /etc/credstore; systemctl restart ai-sandbox');
    });

    it('an upgrade restarts the daemon and does not touch the containers; changed settings are kept', async () => {
      await machine.must("echo '# mine' >>/etc/default/ai-sandbox");
      const pid = await daemonPid(machine);
      await machine.copyIn(newer, '/root/newer.deb');
      await machine.must(`${DEB_QUIET} apt-get install -y --no-install-recommends /root/newer.deb`);
      expect(await daemonPid(machine)).not.toBe(pid);
      expect((await untilReady(machine)).version).toBe(NEWER);
      expect(await runs(machine)).toBe(running);
      expect(await machine.must('tail -1 /etc/default/ai-sandbox')).toBe('# mine');
    });

    it('an upgrade leaves a daemon that was disabled and stopped as it is', async () => {
      await machine.must('systemctl disable -q --now ai-sandbox');
      await machine.must(`${DEB_QUIET} dpkg -i /root/newer.deb`);
      expect(
        (await machine.run('systemctl is-enabled ai-sandbox; systemctl is-active ai-sandbox')).stdout,
      ).toBe('disabled\ninactive\n');
      await machine.must('systemctl enable -q --now ai-sandbox');
      await untilReady(machine);
    });

    it('removal stops the daemon, leaves the containers running and other people their text, and says what is left', async () => {
      const { code, stdout, stderr } = await machine.run(`${DEB_QUIET} apt-get remove -y ai-sandbox`);
      expect(code).toBe(0);
      const said = `${stdout}${stderr}`;
      expect(said).toContain('these containers are left as they are, and nobody watches them: ai-sandbox-');
      expect(said).toContain('left: /opt/models');
      expect(await runs(machine)).toBe(running);
      expect(await machine.must('cat /etc/motd')).toBe(OTHERS_TEXT);
      expect(await machine.must('systemctl list-units --no-legend "ai-sandbox*"')).toBe('');
      await machine.must('test -e /etc/default/ai-sandbox -a -e /var/lib/ai-sandbox/state.json');
    });

    it('a purge removes settings, secrets and state; models, chats, containers and what others wrote stay', async () => {
      const before = await machine.must('find /opt/models /opt/open-webui | sort');
      expect(before.split('\n').length).toBeGreaterThan(5);
      // As after a StackScript that made a user: what the daemon writes for root it writes for such a user too.
      await machine.must(
        `set -e
        grep -q '^API key: ' /root/.credentials
        useradd -m anna && cp /root/.credentials /home/anna/ && chown anna: /home/anna/.credentials
        echo '${OTHERS_TEXT}' >>/root/.credentials
        printf '[Service]\\nEnvironment=AI_SANDBOX_CREDENTIALS_USER=anna\\n' >${DROP_INS}/stackscript.conf`,
      );
      const { code, stdout, stderr } = await machine.run(`${DEB_QUIET} apt-get purge -y ai-sandbox`);
      expect(code, stderr).toBe(0);
      expect(await machine.must('cat /root/.credentials')).toBe(OTHERS_TEXT);
      expect(await machine.must(`ls ${DROP_INS}`)).toBe('50-test.conf');
      expect(`${stdout}${stderr}`).toContain(`left: ${DROP_INS}`);
      const gone = [
        '/etc/default/ai-sandbox',
        '/etc/ai-sandbox',
        '/etc/logrotate.d/ai-sandbox',
        '/home/anna/.credentials',
        '/etc/systemd/system/multi-user.target.wants/ai-sandbox.service',
        '/opt/ai-sandbox',
        '/run/ai-sandbox',
        '/usr/lib/ai-sandbox',
        '/usr/share/ai-sandbox',
        '/var/lib/ai-sandbox',
        '/var/log/ai-sandbox',
      ];
      expect((await machine.run(`ls -d ${gone.join(' ')}`)).stdout).toBe('');
      expect(await machine.must('find /opt/models /opt/open-webui | sort')).toBe(before);
      expect(await runs(machine)).toBe(running);
    });
  },
);

describe('the package', () => {
  it(
    'is made twice with the same bytes, and lintian finds nothing beyond the overrides',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'package-'));
      try {
        // The compression that ships takes two minutes; what could differ between two builds is the same with the quick one.
        const speed = everything ? [] : ['--fast'];
        const { stdout, stderr } = await run(buildDeb, ['--check', ...speed, '--out', folder], {
          timeout: BUILD_LIMIT_MS,
        });
        expect(stderr).toContain('two builds are the same');
        expect(stderr).toContain('lintian has no complaint');
        expect(stdout.trim().split('\n').at(-1)).toMatch(/\/ai-sandbox_[^/]+_(amd64|arm64)\.deb$/);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    BUILD_LIMIT_MS,
  );

  it('can be installed, removed and purged where no systemd runs: an image that is being made', {
    timeout: CASE_LIMIT_MS,
  }, async () => {
    const image = await rootImage(stage.engine, 'bookworm');
    const name = 'package-chroot';
    await stage.engine.docker(['rm', '-f', name]);
    await stage.engine.docker(['create', '--name', name, image, 'bash', '-ec', IN_AN_IMAGE]);
    try {
      await stage.engine.docker(['cp', stage.packagePath, `${name}:/root/ai-sandbox.deb`]);
      const { code, stdout, stderr } = await stage.engine.docker(['start', '-a', name], {
        timeoutMs: 120_000,
      });
      expect(`${stdout}${stderr}`).toContain('all of it went well');
      expect(code).toBe(0);
    } finally {
      await stage.engine.docker(['rm', '-f', name]);
    }
  });
});

const IN_AN_IMAGE = `
export DEBIAN_FRONTEND=noninteractive
dpkg -i /root/ai-sandbox.deb
test -L /etc/systemd/system/multi-user.target.wants/ai-sandbox.service
test -d /etc/ai-sandbox
getent group ai-sandbox
# which compose file is right is known on the machine that boots the image
test ! -e /opt/ai-sandbox/docker-compose.yml
ai-sandbox --version
dpkg -i /root/ai-sandbox.deb
dpkg -r ai-sandbox
dpkg -P ai-sandbox
test ! -e /etc/default/ai-sandbox -a ! -e /etc/ai-sandbox
test ! -e /etc/systemd/system/multi-user.target.wants/ai-sandbox.service
echo all of it went well
`;
