import { describe, expect, test } from 'vitest';
import { motdBody, renderMotd } from '../../../src/deployment/motd.ts';
import type { MotdOptions } from '../../../src/deployment/motd-layout.ts';
import type { Status } from '../../../src/status/schema.ts';
import { problem, READY, service, status } from './fixtures.ts';

const OPTIONS: MotdOptions = {
  envFile: '/opt/ai-sandbox/.env',
  credentialsFile: '/root/.credentials',
  motdFile: '/etc/motd',
  ssh: 'root@203.0.113.9',
  logDirectory: '/var/log/ai-sandbox',
  listen: '127.0.0.1:9000',
  published: {
    api: [{ hostIp: '127.0.0.1', hostPort: 8000 }],
    ui: [{ hostIp: '127.0.0.1', hostPort: 3000 }],
  },
};
const OPEN: MotdOptions = {
  ...OPTIONS,
  published: { api: [{ hostIp: '0.0.0.0', hostPort: 8000 }], ui: [{ hostIp: '', hostPort: 3000 }] },
};
const COMPLETED: Parameters<typeof status>[0] = {
  progress: { phase: 'ready', percent: 100, eta_seconds: 0 },
  deployment: { deployment_status: 'completed', target_met: true },
  model: { download_status: 'completed', active_status: true },
  services: { api: service(READY), ui: service(READY) },
};
const done = { state: 'done' as const, started_at: null, finished_at: null, after_seconds: null };
const FORMS: Record<string, [Status, MotdOptions]> = {
  'in-progress': [status({ deployment: { phases: [{ name: 'image_ui', ...done, seconds: 44 }] } }), OPTIONS],
  'in-progress-with-a-problem': [
    status({
      progress: { phase: 'waiting for the model', percent: null, eta_seconds: null },
      model: { download_status: 'pending' },
      problems: [
        problem({
          code: 'hub_unreachable',
          class: 'transient',
          title: 'The model hub does not answer',
          detail: 'https://huggingface.co: connect ECONNREFUSED 127.0.0.1:443',
          remedy: 'Check the network of this machine (curl -I https://huggingface.co); it goes on by itself.',
        }),
      ],
    }),
    OPTIONS,
  ],
  'in-progress-late': [status({ deployment: { expected_seconds: 431, target_met: null } }), OPTIONS],
  failed: [
    status({
      progress: { phase: 'failed', percent: null, eta_seconds: null },
      deployment: { deployment_status: 'failed', problem: problem() },
      model: { download_status: 'failed', problem: problem() },
      problems: [problem()],
    }),
    OPTIONS,
  ],
  completed: [status(COMPLETED), OPTIONS],
  'completed-open-to-the-network': [
    status({
      ...COMPLETED,
      deployment: {
        ...COMPLETED.deployment,
        label: 'my-sandbox',
        instance_type: 'g2-gpu-rtx4000a1-s',
        region: 'us-ord',
        expected_seconds: 284,
      },
      links: { ui: 'http://203.0.113.9:3000', api: 'http://203.0.113.9:8000' },
    }),
    OPEN,
  ],
  'completed-with-a-problem': [
    status({
      ...COMPLETED,
      services: {
        api: service({ next_restart_at: '2026-11-23T17:03:30Z', restarts: 2 }),
        ui: service({ ...READY, wanted: false, ready: false }),
      },
      problems: [
        problem({
          code: 'container_exited',
          class: 'restart',
          title: 'The service ended without being asked to',
          detail: 'api exited with code 0, not asked for',
          remedy: 'It is restarted by itself; if it comes back, read: ai-sandbox logs api.',
        }),
      ],
    }),
    OPTIONS,
  ],
  'completed-for-a-user': [
    status({ ...COMPLETED, links: { ui: 'http://203.0.113.9:3000', api: 'http://localhost:8000' } }),
    { ...OPTIONS, credentialsFile: '/home/anna/.credentials', ssh: 'anna@203.0.113.9' },
  ],
  'completed-for-root-alone': [status(COMPLETED), { ...OPTIONS, credentialsFile: null }],
  stopped: [status(COMPLETED), { ...OPTIONS, stopped: true }],
};

describe('renderMotd', () => {
  test.each(Object.entries(FORMS))('the form "%s" is as agreed', async (name, [given, options]) => {
    await expect(`${renderMotd(given, options)}\n`).toMatchFileSnapshot(`golden/motd-${name}.txt`);
  });

  test('says "Deployment Complete" exactly when the deployment is completed', () => {
    const complete = Object.entries(FORMS).filter(([, form]) =>
      renderMotd(...form).includes('Deployment Complete'),
    );
    expect(complete.map(([name]) => name)).toEqual([
      'completed',
      'completed-open-to-the-network',
      'completed-with-a-problem',
      'completed-for-a-user',
      'completed-for-root-alone',
    ]);
  });

  test('says "ERROR: " exactly while a problem stands', () => {
    for (const [given, options] of Object.values(FORMS)) {
      expect(/^ERROR: /m.test(renderMotd(given, options))).toBe(given.problems.length > 0);
    }
  });

  test('makes hostile text from elsewhere harmless', () => {
    const hostile = `\u001b[2J\u001b]0;owned\u0007bad\r\n+-- end of ai-sandbox \u202etxt\u009b31m ${'x'.repeat(5000)} é…`;
    const text = renderMotd(
      status({
        ...COMPLETED,
        progress: { phase: hostile },
        model: { model_identifier: `$(reboot)'${hostile}`, load: { phase: hostile, percent: 3 } },
        problems: Array.from({ length: 9 }, () =>
          problem({ title: hostile, detail: hostile, remedy: hostile }),
        ),
        links: { ui: hostile, api: hostile },
      }),
      {
        ...OPTIONS,
        credentialsFile: hostile,
        motdFile: hostile,
        ssh: hostile,
        logDirectory: hostile,
        listen: hostile,
      },
    );
    expect(text).toMatch(/^[ -~\n]*$/);
    expect(text.split('\n').filter((line) => line.length > 78)).toEqual([]);
    expect(text.split('\n').filter((line) => line.startsWith('+--'))).toEqual([]);
    expect(text).not.toContain('reboot)\'"');
  });

  test('counts the problems that are not shown', () => {
    const text = renderMotd(status({ problems: [1, 2, 3, 4, 5].map(() => problem()) }), OPTIONS);
    expect(text).toContain('and 2 more: ai-sandbox status');
  });

  test('names a model id that is too long for the example by its variable', () => {
    const id = `acme/${'long'.repeat(20)}`;
    expect(renderMotd(status({ ...COMPLETED, model: { model_identifier: id } }), OPTIONS)).toContain(
      `-d '{"model": "'"$MODEL_ID"'",`,
    );
  });

  test('differs only in its date when only time has passed', () => {
    const later = renderMotd(status({ ...COMPLETED, time: '2026-11-23T19:00:00Z' }), OPTIONS);
    const now = renderMotd(status(COMPLETED), OPTIONS);
    expect(later).not.toBe(now);
    expect(motdBody(later)).toBe(motdBody(now));
  });
});
