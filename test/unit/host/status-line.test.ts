import { describe, expect, test } from 'vitest';
import { statusLine } from '../../../src/host/status-line.ts';
import { pullView } from '../../support/status-facts.ts';
import { problem, READY, service, status } from '../deployment/fixtures.ts';

describe('statusLine', () => {
  const ready = {
    services: { api: service(READY), ui: service(READY) },
    model: { download_status: 'completed' as const },
  };
  test.each<[string, Parameters<typeof status>[0], string]>([
    ['a download', {}, 'downloading the model 41 % (5.8/14.1 GB, 212 MB/s)'],
    [
      'several things at once',
      {
        services: {
          api: service({ pull: pullView(3e9, 12e9) }),
          ui: service({ service_status: 'starting' }),
        },
      },
      'downloading the model 41 % (5.8/14.1 GB, 212 MB/s); pulling the image of api 25 % (3.0/12.0 GB); starting ui',
    ],
    [
      'an image that is fetched and not unpacked yet',
      {
        services: { api: service({ pull: pullView(12e9, 12e9, 3e9) }), ui: service(READY) },
        model: { download_status: 'completed' },
      },
      'unpacking the image of api 25 % (3.0/12.0 GB)',
    ],
    [
      'loading',
      {
        services: { api: service({ service_status: 'starting' }) },
        model: { download_status: 'completed', load: { phase: 'compiling', percent: 60.7 } },
      },
      'loading the model 60 % (compiling)',
    ],
    ['being ready', { ...ready, progress: { phase: 'ready', percent: 100, eta_seconds: 0 } }, 'ready'],
    [
      'a problem',
      {
        ...ready,
        services: { api: service() },
        progress: { phase: 'failed', percent: null, eta_seconds: null },
        problems: [problem({ title: 'The GPU\nis gone' })],
      },
      'ERROR: The GPU is gone | failed',
    ],
  ])('tells %s', (_what, change, expected) => {
    expect(statusLine(status(change))).toBe(expected);
  });

  test('is never longer than a line of a terminal can be', () => {
    const text = statusLine(status({ problems: [problem({ title: 'x'.repeat(1000) })] }));
    expect([text.length, text.endsWith('…')]).toEqual([200, true]);
  });
});
