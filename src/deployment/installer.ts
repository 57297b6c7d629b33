import { unreachable } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';
import type { InstallerRun, InstallerStep } from './installer-steps.ts';
import type { PhaseMemory } from './phase-memory.ts';

/** The step that brings the kernel driver of the GPU. */
const DRIVER_STEP = 'gpu_driver';

/** Whether the GPU's driver will come: `coming` while the installer is at it, `failed` when it gave up or died. */
export type DriverOutlook = 'not_awaited' | 'coming' | 'failed';

/** What the steps of the installer mean now. */
export interface InstallerVerdict {
  phases: PhaseMemory[];
  /** The first step that failed or was interrupted; null when there is none. */
  finding: Finding | null;
  driver: DriverOutlook;
  /** Something may still be told. */
  atWork: boolean;
}

/** What is known where no installer has ever told anything: a package that was installed by hand. */
export const NO_INSTALLER: InstallerVerdict = {
  phases: [],
  finding: null,
  driver: 'not_awaited',
  atWork: false,
};

/**
 * Judges the latest run. `alive` says whether the process that told a step is still at work: one that is not can neither
 * finish nor fail any more, so its open steps were interrupted. A GPU that answers has its driver, however the step ended.
 * Pure.
 */
export function judgeInstaller(
  run: InstallerRun | null,
  alive: (step: InstallerStep) => boolean,
  gpuAnswers = false,
): InstallerVerdict {
  if (run === null) return NO_INSTALLER;
  const judged = run.steps.map((told) => {
    const lost = told.state === 'failed' || (isOpen(told) && !alive(told));
    const served = lost && gpuAnswers && told.name === DRIVER_STEP;
    const step: InstallerStep = served ? { ...told, state: 'finished' } : told;
    return { step, interrupted: isOpen(step) && !alive(step) };
  });
  const bad = judged.find(({ step, interrupted }) => interrupted || step.state === 'failed');
  return {
    phases: judged.map(({ step, interrupted }) => phaseOf(step, interrupted)),
    finding: bad === undefined ? null : findingOf(bad.step, bad.interrupted, run.script),
    driver: driverOutlook(judged.find(({ step }) => step.name === DRIVER_STEP)),
    atWork: judged.some(({ step, interrupted }) => isOpen(step) && !interrupted),
  };
}

function isOpen(step: InstallerStep): boolean {
  return step.state === 'planned' || step.state === 'started';
}

function driverOutlook(found: { step: InstallerStep; interrupted: boolean } | undefined): DriverOutlook {
  if (found === undefined) return 'not_awaited';
  if (found.interrupted || found.step.state === 'failed') return 'failed';
  return isOpen(found.step) ? 'coming' : 'not_awaited';
}

function phaseOf({ name, state, started, told }: InstallerStep, interrupted: boolean): PhaseMemory {
  if (interrupted) return { name, state: 'failed', started, finished: null };
  switch (state) {
    case 'planned':
      return { name, state: 'pending', started: null, finished: null };
    case 'started':
      return { name, state: 'running', started, finished: null };
    case 'finished':
      return { name, state: 'done', started: started ?? told, finished: told };
    case 'skipped':
      return { name, state: 'done', started: told, finished: told };
    case 'failed':
      return { name, state: 'failed', started, finished: told };
    default:
      return unreachable(state);
  }
}

function findingOf(step: InstallerStep, interrupted: boolean, script: string): Finding {
  const again = script.startsWith('/') ? `bash ${script}` : 'bash /root/StackScript';
  const remedy = `Run the installer again, it goes on where it was: ${again}. Its log: /var/log/stackscript.log.`;
  return interrupted
    ? { code: 'installer_interrupted', detail: `the installer ended during its step ${step.name}`, remedy }
    : { code: 'installer_step_failed', detail: `${step.name}: ${step.detail || 'no reason given'}`, remedy };
}
