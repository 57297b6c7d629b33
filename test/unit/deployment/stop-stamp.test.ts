import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderMotd } from '../../../src/deployment/motd.ts';
import { mergeMotd } from '../../../src/deployment/motd-block.ts';
import { consoleLine, STOPPED_HEADLINE, stampStopped } from '../../../src/deployment/stop-stamp.ts';
import { assembleStatus } from '../../../src/status/assemble.ts';
import { readyFacts } from '../../support/status-facts.ts';

const now = new Date('2026-03-04T05:06:07Z');
const running = 'AI Sandbox - Deployment Complete\nAs of 2026-03-04 05:00:00 UTC\n\nAccess\n  Chat  http://x';
const killed = { result: 'signal', status: 'KILL' };

describe('the login message after the end of the daemon', () => {
  it('says first that nobody watches, since when and why, then what it said before', () => {
    expect(stampStopped(running, killed, now)).toBe(
      `${STOPPED_HEADLINE}
As of 2026-03-04 05:06:07 UTC

The daemon was killed by signal KILL.
What runs goes on running, but nothing watches or restarts it, and this text
is not updated.
  What to do   systemd starts it again within seconds; if this text stays:
               systemctl restart ai-sandbox
  Look         journalctl -u ai-sandbox -n 50

Before that it said:
${running}`,
    );
  });

  it('stamps once, however often the daemon dies', () => {
    const once = stampStopped(running, killed, now);
    expect(stampStopped(once, killed, now)).toBe(once);
    const empty = stampStopped(null, killed, now);
    expect(stampStopped(empty, killed, now)).toBe(empty);
  });

  it("keeps the daemon's own last words after an orderly stop", () => {
    const options = {
      envFile: '/e',
      credentialsFile: null,
      motdFile: '/m',
      ssh: 'root@x',
      logDirectory: '/l',
      listen: 'x',
      published: {},
      stopped: true,
    };
    const own = renderMotd(assembleStatus(readyFacts()), options);
    expect(own.startsWith(STOPPED_HEADLINE)).toBe(true);
    expect(stampStopped(own, { result: 'success', status: '0' }, now)).toBe(own);
  });

  it.each([
    ['success', '0', 'The daemon was stopped.'],
    ['watchdog', 'ABRT', 'The daemon hung and was ended by the watchdog.'],
    ['exit-code', '78', 'ERROR: a setting of the daemon has a value that is not allowed.'],
    ['exit-code', '1', 'The daemon ended with exit code 1.'],
    ['oom-kill', 'KILL', 'The daemon was ended by the kernel for lack of memory.'],
    ['resources', '', 'The daemon could not be run (resources).'],
  ])('names the end %s %s', (result, status, sentence) => {
    expect(stampStopped(null, { result, status }, now)).toContain(sentence);
  });

  it('says after a bad setting that nobody starts it again', () => {
    expect(consoleLine({ result: 'exit-code', status: '78' }, now)).toContain(
      'correct it in /etc/default/ai-sandbox',
    );
  });
});

describe('the program that the unit runs', () => {
  const run = promisify(execFile);
  const main = join(import.meta.dirname, '../../../src/deployment/stop-stamp-main.ts');
  const foreign = 'Welcome, said others\n';

  it("stamps the file and keeps other people's text; --remove takes ours out", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stamp-'));
    const motd = join(folder, 'motd');
    const env = { ...process.env, AI_SANDBOX_MOTD_FILE: motd, AI_SANDBOX_CONSOLE: join(folder, 'console') };
    try {
      await writeFile(motd, mergeMotd(foreign, running));
      await writeFile(join(folder, 'console'), '');
      await run(process.execPath, [main], { env: { ...env, SERVICE_RESULT: 'signal', EXIT_STATUS: 'KILL' } });
      const stamped = await readFile(motd, 'utf8');
      expect(stamped.startsWith(foreign)).toBe(true);
      expect(stamped).toContain(STOPPED_HEADLINE);
      expect(await readFile(join(folder, 'console'), 'utf8')).toMatch(
        /^\[[^\]]*Z\] ai-sandbox: the daemon was killed by signal KILL; [^\n]*\r\n$/,
      );
      await run(process.execPath, [main, '--remove'], { env });
      expect(await readFile(motd, 'utf8')).toBe(foreign);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
