import { describe, expect, it } from 'vitest';
import { gpuView, UNKNOWN_GPU } from '../../../src/host/gpu.ts';
import { assembleStatus } from '../../../src/status/assemble.ts';
import { toProblem } from '../../../src/status/problem.ts';
import { renderStatusText } from '../../../src/status/render-text.ts';
import { pullView, readyFacts, servicesOf, stoppedService } from '../../support/status-facts.ts';

const { model, deployment } = readyFacts();
const clock = { now: () => new Date('2026-03-04T05:01:00Z') };

describe('renderStatusText', () => {
  it('shows a running machine in a few lines', () => {
    expect(renderStatusText(assembleStatus(readyFacts()))).toMatchInlineSnapshot(`
      "ai-sandbox 1.2.3, up 1 min 1 s, 2026-03-04T05:06:07Z

      Progress    ready
      Deployment  completed in 1 min 33 s (target of 5 min met), since 2026-03-04T05:00:00Z
      Model       example/model, download completed, answers chats
      api         running, ready, since 2026-03-04T05:00:00Z
      ui          running, ready, since 2026-03-04T05:00:00Z
      Chats       persisted in /opt/open-webui, 12 chats, 4 MB, last message 2026-03-04T05:05:00Z
      Docker      20.10.24 (API 1.41)
      Disk        /opt: 120 GB free of 500 GB
      Chat page   http://192.0.2.1:3000
      API         http://192.0.2.1:8000/v1

      No problems.
      "
    `);
  });

  it('shows each GPU with what its driver tells', () => {
    const host = {
      ...readyFacts().host,
      gpus: [
        gpuView(
          {
            ...UNKNOWN_GPU,
            index: 0,
            name: 'NVIDIA RTX 4000 Ada Generation',
            memoryBytes: 21_469_593_600,
            memoryUsedBytes: 17_800_000_000,
            temperatureCelsius: 61,
            driverVersion: '580.95.05',
          },
          { code: 31, at: '2026-03-04T04:59:00Z', meaning: 'x' },
        ),
        gpuView({ ...UNKNOWN_GPU, index: 1 }, null),
      ],
    };
    const lines = renderStatusText(assembleStatus(readyFacts({ host }))).split('\n');
    expect(lines.filter((line) => line.startsWith('GPU'))).toEqual([
      'GPU 0       NVIDIA RTX 4000 Ada Generation, 17.8/21.5 GB in use, 61 °C, driver 580.95.05, last XID 31 at 2026-03-04T04:59:00Z',
      'GPU 1       unknown',
    ]);
  });

  it('shows the flags that were changed to heal a service', () => {
    const api = stoppedService({ overrides: { '--max-model-len': '12848' } });
    const text = renderStatusText(assembleStatus(readyFacts({ services: servicesOf({ api }) })));
    expect(text).toMatch(/^api .*, with --max-model-len 12848 \(changed to heal it\)/m);
  });

  it('shows what is under way, and each problem with what to do', () => {
    const status = assembleStatus(
      readyFacts({
        services: servicesOf({
          api: stoppedService({
            waiting_for: 'model',
            restarts: 1,
            last_exit: {
              at: '2026-03-04T05:00:30Z',
              exit_code: 0,
              oom_killed: false,
              cause: 'exited with code 0, not asked for',
              attempt: 1,
              log_tail: [],
            },
          }),
          ui: stoppedService({ waiting_for: 'image', pull: pullView(5e8, 2e9) }),
        }),
        model: {
          ...model,
          complete: false,
          pinned: true,
          downloadStatus: 'downloading',
          download: { ...model.download, bytes_done: 5.8e9, bytes_total: 14.1e9, bytes_per_second: 212e6 },
        },
        deployment: { ...deployment, deployment_status: 'in_progress', region: 'nl-ams' },
        problems: [toProblem({ code: 'hub_rate_limited', detail: 'answered 429' }, clock)],
      }),
    );
    expect(renderStatusText(status)).toMatchInlineSnapshot(`
      "ai-sandbox 1.2.3, up 1 min 1 s, 2026-03-04T05:06:07Z

      Progress    pulling images and downloading the model, 37 %
      Deployment  in progress, since 2026-03-04T05:00:00Z, nl-ams
      Model       example/model (pinned), downloading the model 41 % (5.8/14.1 GB, 212 MB/s), does not answer chats yet
      api         stopped, waiting for model, 1 restart, last exit 2026-03-04T05:00:30Z: exited with code 0, not asked for
      ui          stopped, waiting for image, pulling 500 MB/2.0 GB
      Chats       persisted in /opt/open-webui, 12 chats, 4 MB, last message 2026-03-04T05:05:00Z
      Docker      20.10.24 (API 1.41)
      Disk        /opt: 120 GB free of 500 GB
      Chat page   http://192.0.2.1:3000
      API         http://192.0.2.1:8000/v1

      1 problem:
        ERROR: The model hub limits requests (hub_rate_limited, since 2026-03-04T05:01:00Z)
          seen: answered 429
          do:   A token raises the limit: save one in /etc/ai-sandbox/hf-token; it goes on by itself.
      "
    `);
  });

  it('lets no foreign text steer the terminal', () => {
    const detail = 'red\u001b[31m\u009b2Jbell\u0007\nnew line\u202ereversed';
    const status = assembleStatus(
      readyFacts({ problems: [toProblem({ code: 'unknown_failure', detail }, clock)] }),
    );
    const text = renderStatusText(status);
    expect(text).toContain('seen: red [31m 2Jbell  new line reversed\n');
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  it('uses colours only when asked to', () => {
    const status = assembleStatus(readyFacts());
    expect(renderStatusText(status)).not.toContain('\u001b');
    expect(renderStatusText(status, { colour: true })).toContain('\u001b[32mrunning\u001b[0m');
  });

  it('shows which phases overlap while the deployment is on its way, and that its target cannot be met', () => {
    const phase = { state: 'done' as const, started_at: null, finished_at: null };
    const late = {
      ...deployment,
      deployment_status: 'in_progress' as const,
      target_met: null,
      expected_seconds: 100,
      phases: [
        { ...phase, name: 'docker', after_seconds: 0, seconds: 40 },
        { ...phase, name: 'gpu_driver', state: 'running' as const, after_seconds: 40, seconds: 60 },
      ],
    };
    const downloading = { ...model, downloadStatus: 'downloading' as const };
    const text = renderStatusText(
      assembleStatus(
        readyFacts({
          deployment: late,
          model: { ...downloading, download: { ...model.download, eta_seconds: 331 } },
        }),
      ),
    );
    expect(text).toContain('in progress (target of 5 min missed, at least 7 min 11 s in all), since');
    expect(text).toMatch(/ docker +40 s \|#+ +\|\n +gpu_driver +1 min running \| +#+\|\n/);
  });
});
