import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeControl, testApi } from '../../support/test-api.ts';

const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts');

describe('the ai-sandbox program', () => {
  it('ends well when its reader has seen enough', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        async *logs() {
          for (;;) yield 'a line that is repeated for ever';
        },
      }),
    });
    await setup.api.listen();
    const child = spawn(process.execPath, [MAIN, 'logs', 'api'], {
      env: { ...process.env, AI_SANDBOX_SOCKET: setup.socketPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaints = '';
    child.stderr.on('data', (chunk) => {
      complaints += chunk;
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = await once(child, 'exit');
    expect([code, complaints]).toEqual([0, '']);
  });

  it('gives its help although a setting has a bad value, and names that value when it needs it', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [MAIN, ...args], {
        env: { ...process.env, AI_SANDBOX_LISTEN: 'everywhere' },
        encoding: 'utf8',
      });
    expect(run('status', '--help').status).toBe(0);
    const refused = run('status');
    expect(refused.status).toBe(78);
    expect(refused.stderr).toContain('ai-sandbox: AI_SANDBOX_LISTEN is "everywhere"; allowed is');
  });

  it('reloads the daemon that systemd names, wherever the settings of now say it listens', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const daemon = spawn('sleep', ['60'], { env: { AI_SANDBOX_SOCKET: setup.socketPath } });
    try {
      const child = spawn(process.execPath, [MAIN, 'reload'], {
        env: { ...process.env, AI_SANDBOX_LISTEN: 'nowhere', MAINPID: String(daemon.pid) },
      });
      const [code] = await once(child, 'exit');
      expect([code, setup.calls]).toEqual([0, ['reload']]);
    } finally {
      daemon.kill();
    }
  });

  it('checks a real file without the daemon', () => {
    const file = join(import.meta.dirname, 'main.test.ts');
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'config', 'check', file], {
      encoding: 'utf8',
    });
    expect(status).toBe(4);
    expect(stdout).toMatch(/main\.test\.ts:\d+:\d+: /);
  });
});
