import { expect, test } from 'vitest';
import { diagnose } from '../../../src/diagnosis/diagnose.ts';
import { nameRefusal } from '../../../src/services/refusal.ts';
import type { ProblemCode } from '../../../src/status/problem-table.ts';

const refused = (detail: string, code: ProblemCode = 'container_start_refused') =>
  nameRefusal({ code, detail: `starting container ai-sandbox-api: ${detail}` }, diagnose);

test.each([
  [
    'gpu_driver_mismatch',
    'nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown',
  ],
  ['gpu_cdi_missing', 'CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all'],
  [
    'firewall_rules_failed',
    'driver failed programming external connectivity on endpoint api (5eed): Unable to enable DNAT rule:  (iptables failed: iptables --wait -t nat -A DOCKER: iptables: No chain/target/match by that name.',
  ],
  ['cgroup_failure', 'cgroups: cgroup mountpoint does not exist: unknown'],
  [
    'device_missing',
    'error gathering device information while adding custom device "/dev/nvidia0": no such file or directory',
  ],
  ['resource_limit_refused', 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
])('a refused start is called %s by its words', (code, words) => {
  expect(refused(words).code).toBe(code);
  expect(refused(words).detail).toContain(words);
});

test('a pull that ended with a damaged layer is called so', () => {
  expect(
    refused(
      'failed to register layer: Error processing tar file(exit status 1): unexpected EOF',
      'image_pull_failed',
    ).code,
  ).toBe('image_damaged');
});

test('words that nobody knows keep the name of the engine’s room', () => {
  expect(refused('something new').code).toBe('container_start_refused');
  expect(refused('something new', 'image_pull_failed').code).toBe('image_pull_failed');
});

test('a name that the engine’s room has given is kept, and so is any without a diagnosis', () => {
  const words = 'unresolvable CDI devices nvidia.com/gpu=all';
  expect(refused(words, 'port_in_use').code).toBe('port_in_use');
  expect(nameRefusal({ code: 'gpu_missing', detail: words }, undefined).code).toBe('gpu_missing');
});
