import { describe, expect, test } from 'vitest';
import { setStage } from './support.ts';

describe('cold start', () => {
  test('both services are created and started side by side with the fewest calls', async () => {
    const stage = setStage();
    await stage.clock.advance(3_000);
    expect(stage.changes()).toEqual([
      'createNetwork ai-sandbox-network',
      'createContainer ai-sandbox-api',
      'createContainer ai-sandbox-ui',
      'startContainer ai-sandbox-api',
      'startContainer ai-sandbox-ui',
    ]);
    const { services } = stage.supervisor.snapshot();
    expect(services['api']).toMatchObject({
      service_status: 'running',
      ready: true,
      restarts: 0,
      problem: null,
    });
    expect(services['ui']).toMatchObject({ service_status: 'running', ready: true });
  });
});
