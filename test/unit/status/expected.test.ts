import { expect, test } from 'vitest';
import { expectedSeconds, missesTarget } from '../../../src/status/expected.ts';
import { readyFacts } from '../../support/status-facts.ts';

const deployment = { ...readyFacts().deployment, target_met: null };
const running = { ...deployment, deployment_status: 'in_progress' as const, expected_seconds: 100 };
const progress = (eta_seconds: number | null) => ({
  phase: 'downloading the model',
  percent: 3,
  eta_seconds,
});
const model = (eta_seconds: number | null, download_status = 'downloading') => ({
  download_status,
  download: { eta_seconds },
});

test.each([
  ['the time left of what is under way is added', running, progress(40), model(null), 140],
  ['the longer of two counts', running, progress(40), model(90.04), 190],
  ['a download that has ended leaves nothing', running, progress(null), model(90, 'completed'), null],
  ['without any estimate it is not known', running, progress(null), model(null), null],
  [
    'before the first step it is not known',
    { ...running, expected_seconds: null },
    progress(9),
    model(9),
    null,
  ],
  [
    'a failed deployment ends nowhere',
    { ...running, deployment_status: 'failed' as const },
    progress(9),
    model(9),
    null,
  ],
  [
    'a completed one took what it took',
    { ...deployment, expected_seconds: 92.5 },
    progress(9),
    model(9),
    92.5,
  ],
])('%s', (_what, given, overall, download, expected) => {
  expect(expectedSeconds(given, overall, download)).toBe(expected);
});

test.each([
  ['on its way, in time', { ...running, expected_seconds: 299 }, false],
  ['on its way, late by less than an estimate trembles', { ...running, expected_seconds: 325 }, false],
  ['on its way, certainly late', { ...running, expected_seconds: 340 }, true],
  ['on its way, of unknown length', { ...running, expected_seconds: null }, false],
  ['past its target', { ...running, target_met: false, expected_seconds: null }, true],
  ['completed late', { ...deployment, target_met: false }, true],
  ['completed in time', { ...deployment, target_met: true, expected_seconds: 290 }, false],
])('the target of a deployment %s', (_what, given, expected) => {
  expect(missesTarget(given)).toBe(expected);
});
