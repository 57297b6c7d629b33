import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHIPPED_FILES } from '../../../scripts/bundle.ts';
import { EXIT_CONFIGURATION } from '../../../src/settings.ts';
import { SETTING_TABLE } from '../../../src/settings-table.ts';

const top = join(import.meta.dirname, '../../..');
const text = (path: string) => readFileSync(join(top, path), 'utf8');

/** Directives of the unit in their order, each with all its values. */
const directives = new Map<string, string[]>();
for (const line of text('systemd/ai-sandbox.service').split('\n')) {
  const match = /^([A-Za-z]+)=(.*)$/.exec(line);
  if (match !== null) {
    const [, name = '', value = ''] = match;
    directives.set(name, [...(directives.get(name) ?? []), value]);
  }
}
const only = (name: string) => {
  const values = directives.get(name) ?? [];
  expect(values, name).toHaveLength(1);
  return values[0] ?? '';
};

describe('ai-sandbox.service', () => {
  it('is ready when the daemon says so, and is watched', () => {
    expect([only('Type'), only('NotifyAccess')]).toEqual(['notify', 'main']);
    expect(Number(only('WatchdogSec'))).toBeGreaterThanOrEqual(30);
    expect(Number(only('WatchdogSec'))).toBeLessThanOrEqual(60);
  });

  it('replaces a hung daemon within 90 s, the time to end and to start again included', () => {
    const seconds = ['WatchdogSec', 'TimeoutAbortSec', 'RestartSec'].map((name) => Number(only(name)));
    expect(seconds.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(80);
  });

  it('starts again without a limit, but not after a bad setting', () => {
    expect([only('Restart'), only('StartLimitIntervalSec')]).toEqual(['always', '0']);
    expect(only('RestartPreventExitStatus')).toBe(String(EXIT_CONFIGURATION));
  });

  it('outlives a stopped engine', () => {
    expect(only('Wants')).toContain('docker.service');
    expect(only('After')).toContain('docker.service');
    for (const name of ['Requires', 'BindsTo', 'PartOf', 'Requisite'])
      expect(directives.has(name)).toBe(false);
  });

  it('lets V8 compile, and says why', () => {
    expect(directives.has('MemoryDenyWriteExecute')).toBe(false);
    expect(text('systemd/ai-sandbox.service')).toMatch(/^# No MemoryDenyWriteExecute: V8/m);
  });

  it('reports a failed reload: the command waits for the answer', () => {
    expect(only('ExecReload')).toBe('/usr/bin/ai-sandbox reload');
  });

  it('starts without a credential, also on systemd 252', () => {
    expect(only('LoadCredential')).toBe('hf-token');
    expect(only('SetCredential')).toBe('hf-token:\\n');
    expect(directives.has('ImportCredential')).toBe(false);
  });

  it('uses no directive that systemd 252 does not know', () => {
    for (const name of ['OpenFile', 'RestartSteps', 'RestartMaxDelaySec', 'PrivatePIDs']) {
      expect(directives.has(name)).toBe(false);
    }
  });

  it('sets only variables that the daemon knows', () => {
    const known: string[] = Object.values(SETTING_TABLE).map(({ variable }) => variable);
    const set = (directives.get('Environment') ?? []).flatMap((value) => value.split(' '));
    for (const assignment of set) {
      expect([...known, 'NODE_COMPILE_CACHE']).toContain(assignment.split('=', 1)[0]);
    }
  });
});

it('every file of /usr/lib/ai-sandbox that is named anywhere is in the package', () => {
  const sources = [
    ...readdirSync(join(top, 'systemd')).map((name) => `systemd/${name}`),
    ...readdirSync(join(top, 'scripts/package')).map((name) => `scripts/package/${name}`),
  ];
  const named = new Set(
    sources.flatMap((path) =>
      [...text(path).matchAll(/\/usr\/lib\/ai-sandbox\/([\w.-]+)/g)].map(([, name]) => name),
    ),
  );
  const build = text('scripts/build-deb');
  const shipped = [
    ...SHIPPED_FILES,
    ...[...build.matchAll(/usr\/lib\/ai-sandbox\/([\w-]+)/g)].map(([, name]) => name),
  ];
  expect(named.size).toBeGreaterThan(4);
  for (const name of named) expect(shipped).toContain(name);
});
