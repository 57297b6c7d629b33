import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyOverrides } from '../../../src/compose/overrides.ts';
import { parseSpecHash, specHash } from '../../../src/compose/spec-hash.ts';
import { projectOf } from '../../support/compose-input.ts';

/** Keys of a service, each with a value; the order is up to the test. */
const LINES: Record<string, string> = {
  image: 'i',
  command: '[serve, o/n]',
  environment: '{A: "1", B: "2"}',
  ports: '["80:80", "81:81"]',
  volumes: '["v:/v", "/a:/b"]',
  networks: '{n: {aliases: [x]}, m: }',
  labels: '{l: "1", k: "2"}',
  ulimits: '{nofile: 1, nproc: 2}',
  cap_add: '[A, B]',
  healthcheck: '{test: x, interval: 1s}',
  logging: '{driver: local, options: {a: "1", b: "2"}}',
};

function hashOf(lines: Record<string, string>, rest = ''): string {
  const body = Object.entries(lines)
    .map(([key, value]) => `    ${key}: ${value}`)
    .join('\n');
  const text = `name: box\nservices:\n  a:\n${body}\n  b: {image: i}\nnetworks: {n: , m: }\nvolumes: {v: }\n${rest}`;
  const project = projectOf(text);
  const service = project.services[0];
  if (service === undefined) throw new Error('no service');
  return specHash(project, service);
}

describe('the spec-hash', () => {
  it('has a version and a sha256', () => {
    expect(parseSpecHash(hashOf(LINES))).toEqual({
      version: 1,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is never another one for the same file: a changed form of it would re-create every container', () => {
    expect(hashOf({ image: 'i', command: '[serve, o/n]', environment: '{A: "1"}' })).toMatchInlineSnapshot(
      `"v1:b55d9607dac8fd2a2e8075d4a9c39d6f7fd921ba65376e93380ddb0536e8e2f4"`,
    );
  });

  it('is the same for every order of keys', () => {
    const wanted = hashOf(LINES);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(Object.keys(LINES), { minLength: Object.keys(LINES).length }),
        (keys) => {
          expect(hashOf(Object.fromEntries(keys.map((key) => [key, LINES[key] ?? ''])))).toBe(wanted);
        },
      ),
      { numRuns: 25 },
    );
  });

  it.each([
    ['environment', '{B: "2", A: "1"}'],
    ['ports', '["81:81", "80:80"]'],
    ['volumes', '["/a:/b", "v:/v"]'],
    ['networks', '{m: , n: {aliases: [x]}}'],
    ['cap_add', '[B, A]'],
    ['ulimits', '{nproc: 2, nofile: {soft: 1, hard: 1}}'],
    ['environment', '["A=1", "B=2"]'],
  ])('is the same where %s is written as %s', (key, value) => {
    expect(hashOf({ ...LINES, [key]: value })).toBe(hashOf(LINES));
  });

  it.each([
    ['image', 'other'],
    ['command', '[o/n, serve]'],
    ['environment', '{A: "1", B: "3"}'],
    ['ports', '["80:80"]'],
    ['labels', '{l: "1"}'],
    ['user', 'me'],
    ['init', 'true'],
    ['tmpfs', '/run:size=1m'],
    ['environment', '{A: "1", B: "2", C: }'],
  ])('is another one where %s is %s', (key, value) => {
    expect(hashOf({ ...LINES, [key]: value })).not.toBe(hashOf(LINES));
  });

  it('is another one where a network or volume has another name in the engine', () => {
    const text = (names: string) => `name: box
services: {a: {image: i, networks: [n], volumes: ["v:/v"]}}
${names}`;
    const hashes = [
      'networks: {n: }\nvolumes: {v: }',
      'networks: {n: {name: x}}\nvolumes: {v: }',
      'networks: {n: }\nvolumes: {v: {name: x}}',
    ].map((names) => {
      const project = projectOf(text(names));
      const [service] = project.services;
      return service === undefined ? '' : specHash(project, service);
    });
    expect(new Set(hashes).size).toBe(3);
  });

  it.each([
    ['depends_on', '[b]'],
    ['pull_policy', 'always'],
    ['restart', 'always'],
    ['x-ai-sandbox', '{image_bytes: 1g}'],
  ])('does not know of %s', (key, value) => {
    expect(hashOf({ ...LINES, [key]: value })).toBe(hashOf(LINES));
  });

  it('knows of overrides', () => {
    const project = projectOf('name: box\nservices: {a: {image: i, command: [o/n]}}');
    const [service] = project.services;
    if (service === undefined) throw new Error('no service');
    const changed = applyOverrides(service, { '--max-model-len': '8192' });
    expect(specHash(project, changed)).not.toBe(specHash(project, service));
    expect(specHash(project, applyOverrides(service, {}))).toBe(specHash(project, service));
  });

  it('is read only where it is one', () => {
    for (const label of ['', 'v1:', 'v1:abc', `x1:${'a'.repeat(64)}`, `v1:${'A'.repeat(64)}`])
      expect(parseSpecHash(label)).toBeNull();
    expect(parseSpecHash(`v12:${'a'.repeat(64)}`)).toMatchObject({ version: 12 });
  });
});
