import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeInstaller, NO_INSTALLER } from '../../../src/deployment/installer.ts';
import { parseInstallerSteps } from '../../../src/deployment/installer-steps.ts';
import { at } from './fixtures.ts';

const line = (step: string, state: string, seconds: number, more: Record<string, unknown> = {}) =>
  `${JSON.stringify({ step, state, ...at(seconds), pid: 312, detail: '', ...more })}\n`;
const alive = () => true;
const dead = () => false;
const judge = (text: string, living: () => boolean = alive) =>
  judgeInstaller(parseInstallerSteps(text), living);

const BEGIN = line('installer', 'started', 0, { detail: '/root/StackScript' });

describe('the steps of the installer', () => {
  test('become phases with the times of their own clock', () => {
    const text =
      BEGIN +
      line('gpu_driver', 'planned', 1) +
      line('container_toolkit', 'skipped', 2) +
      line('docker', 'started', 3) +
      line('docker', 'finished', 44) +
      line('gpu_driver', 'started', 45);
    expect(judge(text)).toEqual({
      phases: [
        { name: 'gpu_driver', state: 'running', started: at(45), finished: null },
        { name: 'container_toolkit', state: 'done', started: at(2), finished: at(2) },
        { name: 'docker', state: 'done', started: at(3), finished: at(44) },
      ],
      finding: null,
      driver: 'coming',
      atWork: true,
    });
  });

  test('of a repair count alone, not those of the run before', () => {
    const text =
      BEGIN +
      line('docker', 'failed', 9, { detail: 'apt-get: no space' }) +
      line('installer', 'started', 100) +
      line('docker', 'finished', 130);
    expect(judge(text)).toMatchObject({ finding: null, phases: [{ name: 'docker', state: 'done' }] });
  });

  test('are named with their reason when they fail, and how to run the installer again', () => {
    const { finding, phases } = judge(BEGIN + line('docker', 'failed', 9, { detail: 'apt-get: no space' }));
    expect(finding).toEqual({
      code: 'installer_step_failed',
      detail: 'docker: apt-get: no space',
      remedy:
        'Run the installer again, it goes on where it was: bash /root/StackScript. Its log: /var/log/stackscript.log.',
    });
    expect(phases).toEqual([{ name: 'docker', state: 'failed', started: null, finished: at(9) }]);
  });

  test('were interrupted when the process is gone that told them', () => {
    const { finding, phases, driver, atWork } = judge(BEGIN + line('gpu_driver', 'started', 5), dead);
    expect(finding?.code).toBe('installer_interrupted');
    expect(finding?.detail).toContain('gpu_driver');
    expect(phases[0]).toMatchObject({ state: 'failed', started: at(5), finished: null });
    expect([driver, atWork]).toEqual(['failed', false]);
  });

  test('of a driver are done when the GPU answers, however they ended', () => {
    const text = `${BEGIN}${line('gpu_driver', 'started', 5)}${line('gpu_driver', 'failed', 9)}`;
    const verdict = judgeInstaller(parseInstallerSteps(text), dead, true);
    expect(verdict).toMatchObject({ finding: null, driver: 'not_awaited', atWork: false });
    expect(verdict.phases).toEqual([{ name: 'gpu_driver', state: 'done', started: at(5), finished: at(9) }]);
    const interrupted = judgeInstaller(parseInstallerSteps(BEGIN + line('docker', 'started', 5)), dead, true);
    expect(interrupted.finding?.code).toBe('installer_interrupted');
  });

  test.each([
    ['finished', alive, 'not_awaited'],
    ['finished', dead, 'not_awaited'],
    ['skipped', dead, 'not_awaited'],
    ['planned', alive, 'coming'],
    ['planned', dead, 'failed'],
    ['failed', alive, 'failed'],
  ])('say of a driver that is %s whether it is awaited', (state, living, outlook) => {
    expect(judge(BEGIN + line('gpu_driver', state, 5), living).driver).toBe(outlook);
  });

  test('are unknown without a file, or with one that tells nothing', () => {
    expect(judge('')).toEqual(NO_INSTALLER);
    expect(judge('not json\n[]\n{"step":"docker"}\n')).toEqual(NO_INSTALLER);
  });

  test('pass over a line that was cut', () => {
    const whole = BEGIN + line('docker', 'finished', 44);
    expect(judge(whole + line('package', 'started', 45).slice(0, 30)).phases).toHaveLength(1);
  });

  test('are read from any text without an error', () => {
    const field = fc.oneof(fc.constantFrom('step', 'state', 'at', 'pid', 'boot_id', 'detail'), fc.string());
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('started', 'gpu_driver', at(1).at));
    const lines = fc.array(
      fc.oneof(
        fc.string(),
        fc.dictionary(field, value).map((each) => JSON.stringify(each)),
      ),
    );
    fc.assert(
      fc.property(lines, (texts) => {
        for (const { name } of judge(texts.join('\n')).phases) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      }),
    );
  });
});
