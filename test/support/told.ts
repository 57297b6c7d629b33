import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningDaemon } from './daemon.ts';

/** Between two looks: what is told while a service comes back may stand for a second only. */
const LOOK_INTERVAL_MS = 50;

/** What a person could read about a service while something happened to it. */
export interface Told {
  /** The problems that it had in /status, each once, by their code. */
  problems: Record<string, { title: string; detail: string; remedy: string }>;
  /** The login message of the moment at which each of them was seen first, in one line. */
  motd: Record<string, string>;
}

/** Reads status and login message until `over` settles; rejects with it. */
export async function toldWhile<T>(
  daemon: RunningDaemon,
  service: string,
  over: Promise<T>,
): Promise<{ result: T; told: Told }> {
  const told: Told = { problems: {}, motd: {} };
  let settled = false;
  const result = over.finally(() => {
    settled = true;
  });
  result.catch(() => undefined);
  while (!settled) {
    const status = await daemon.status().catch(() => null);
    const problem = status?.services[service]?.problem ?? null;
    if (problem !== null && told.problems[problem.code] === undefined) {
      told.problems[problem.code] = problem;
      // The message is written before the status is shown.
      told.motd[problem.code] = (await daemon.motd()).replace(/\s+/g, ' ');
    }
    await sleep(LOOK_INTERVAL_MS);
  }
  return { result: await result, told };
}
