import { beforeAll, describe, expect, it } from 'vitest';
import { suites } from './extent.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const MACHINE_LIMIT_MS = 900_000;
const stage = instanceStage();

describe.each(suites)('the machine of these tests, with Debian %s', (suite) => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await stage.machine('self-test', { suite });
  }, MACHINE_LIMIT_MS);

  it('runs a Docker engine that pulls from the registry outside and publishes a port', async () => {
    await machine.must('systemctl start docker');
    await machine.must(`docker pull -q ${stage.images.ui}`);
    expect(await machine.must('docker images -q | wc -l')).toBe('1');
  }, 120_000);
});
