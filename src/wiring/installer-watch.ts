import { readFile } from 'node:fs/promises';
import { type InstallerVerdict, judgeInstaller, NO_INSTALLER } from '../deployment/installer.ts';
import { type InstallerStep, parseInstallerSteps } from '../deployment/installer-steps.ts';
import { isProcessSince } from '../host/process.ts';
import type { Clock } from '../lib/clock.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { carryProblem, type Problem } from '../status/problem.ts';

/** Pace while the installer is at work, and while it is not: a repair is run by hand. */
const BUSY_INTERVAL_MS = 1_000;
const QUIET_INTERVAL_MS = 15_000;

/** Follows what the installer tells. */
export interface InstallerWatch {
  verdict(): InstallerVerdict;
  problem(): Problem | null;
  /** Reads once, before anything is decided. Never rejects. */
  refresh(): Promise<void>;
  /** Reads again and again until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Makes the watch of the file at `path`; `onChange` is told when its meaning has changed. */
export function createInstallerWatch(parts: {
  path: string;
  bootId: string | null;
  /** A GPU has answered, so that its driver is there. */
  gpuAnswers(): boolean;
  clock: Clock;
  log: Log;
  onChange(): void;
}): InstallerWatch {
  const { path, clock, log } = parts;
  let verdict = NO_INSTALLER;
  let problem: Problem | null = null;
  let unreadable = '';

  const readText = async (): Promise<string> => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      const reason = errorCode(error) === 'ENOENT' ? '' : errorMessage(error);
      if (reason !== '' && reason !== unreadable) log.warn(`the installer's steps cannot be read: ${reason}`);
      unreadable = reason;
      return '';
    }
  };

  const refresh = async () => {
    const run = parseInstallerSteps(await readText());
    const living = new Set<InstallerStep>();
    for (const step of run?.steps ?? []) {
      const thisBoot = step.told.boot_id === null || step.told.boot_id === parts.bootId;
      if (thisBoot && step.pid !== null && (await isProcessSince(step.pid, step.told.uptime_seconds))) {
        living.add(step);
      }
    }
    const next = judgeInstaller(run, (step) => living.has(step), parts.gpuAnswers());
    if (JSON.stringify(next) === JSON.stringify(verdict)) return;
    verdict = next;
    problem = carryProblem(problem, next.finding, clock);
    parts.onChange();
  };

  return {
    verdict: () => verdict,
    problem: () => problem,
    refresh,
    async run(signal) {
      while (!signal.aborted) {
        await refresh();
        await clock
          .sleep(verdict.atWork ? BUSY_INTERVAL_MS : QUIET_INTERVAL_MS, signal)
          .catch(() => undefined);
      }
    },
  };
}
