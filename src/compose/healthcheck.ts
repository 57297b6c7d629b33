import {
  type Field,
  type Report,
  readFlag,
  readItems,
  readKeys,
  readLooseText,
  readText,
  readWhole,
} from './field.ts';
import { parseDuration } from './quantities.ts';
import { KEYS_AT } from './service-keys.ts';
import type { HealthcheckSpec } from './service-spec.ts';

const TEST_KINDS = ['NONE', 'CMD', 'CMD-SHELL'];

/** Tries before a container counts as unhealthy: more are a slip of the pen. */
const MOST_RETRIES = 1000;

/** `healthcheck:` of a service. */
export function readHealthcheck(field: Field, report: Report): HealthcheckSpec | null {
  const keys = readKeys(field, { known: KEYS_AT['services.*.healthcheck'] }, report);
  if (keys === null) return null;
  const duration = (key: string) => {
    const value = keys.get(key);
    return value === undefined ? null : readDuration(value, report);
  };
  const testField = keys.get('test');
  const disableField = keys.get('disable');
  const retriesField = keys.get('retries');
  const disabled = disableField === undefined ? false : readFlag(disableField, report);
  if (disabled === true && disableField !== undefined && testField !== undefined)
    report(disableField, 'disable: true does not go together with a test');
  const test = testField === undefined ? null : readTest(testField, report);
  return {
    test: disabled === true ? ['NONE'] : test,
    intervalMs: duration('interval'),
    timeoutMs: duration('timeout'),
    startPeriodMs: duration('start_period'),
    startIntervalMs: duration('start_interval'),
    retries: retriesField === undefined ? null : readWhole(retriesField, 0, MOST_RETRIES, report),
  };
}

function readTest(field: Field, report: Report): string[] | null {
  if (field.node.kind === 'scalar') {
    const command = readText(field, report);
    return command === null ? null : ['CMD-SHELL', command];
  }
  const words = (readItems(field, report) ?? []).map((item) => readText(item, report) ?? '');
  const [kind = ''] = words;
  if (words.length > 0 && !TEST_KINDS.includes(kind))
    return report(field, `a test begins with one of ${TEST_KINDS.join(', ')}, not "${kind}"`);
  if (kind === 'NONE' ? words.length !== 1 : words.length < 2)
    return report(field, kind === 'NONE' ? 'NONE stands alone' : 'the test has no command');
  return words;
}

/** A time such as `10s` or `1m30s`, in milliseconds. */
export function readDuration(field: Field, report: Report): number | null {
  const text = readLooseText(field, report);
  if (text === null) return null;
  return (
    parseDuration(text) ??
    report(field, `"${text}" is no duration; numbers with units are wanted: 10s, 1m30s, 500ms`)
  );
}
