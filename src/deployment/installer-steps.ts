import { type Moment, parseMoment } from './moment.ts';

/** States of a step in the words of the installer's file. */
const STEP_STATES = ['planned', 'started', 'finished', 'failed', 'skipped'] as const;
type StepState = (typeof STEP_STATES)[number];

/** One step of the installer as its last line tells it. */
export interface InstallerStep {
  name: string;
  state: StepState;
  /** Its first `started` in this run of the installer; null where there was none. */
  started: Moment | null;
  /** When the last line was written. */
  told: Moment;
  /** The process that wrote it; null where the line names none. */
  pid: number | null;
  /** One line of the installer's own words; '' without. */
  detail: string;
}

/** The latest run of the installer. */
export interface InstallerRun {
  /** How it is run again: its path, as it says itself; '' where it does not. */
  script: string;
  /** Without the run itself, in the order in which they were first told. */
  steps: InstallerStep[];
}

/** The name under which the installer tells of its whole run. */
const WHOLE_RUN = 'installer';

/** Words that can be shown as the name of a phase. */
const STEP_NAME = /^[a-z][a-z0-9_]{0,39}$/;

/** What is shown of a detail; a step's words are one sentence. */
const MAXIMUM_DETAIL_LENGTH = 500;

/**
 * Reads the file in which the installer tells its steps: one JSON object a line, `{step, state, at, boot_id,
 * uptime_seconds, pid, detail}`. What counts is after the last `installer started`, because a repair is a new run. A line
 * that was cut by a power cut, or is of another form, is passed over. Null when nothing was told.
 */
export function parseInstallerSteps(text: string): InstallerRun | null {
  const told = text
    .split('\n')
    .map(parseLine)
    .filter((step) => step !== null);
  if (told.length === 0) return null;
  const begins = told.findLastIndex(({ name, state }) => name === WHOLE_RUN && state === 'started');
  const steps = new Map<string, InstallerStep>();
  for (const line of told.slice(Math.max(0, begins))) {
    const started = steps.get(line.name)?.started ?? (line.state === 'started' ? line.told : null);
    steps.set(line.name, { ...line, started });
  }
  const script = told[begins]?.detail ?? '';
  steps.delete(WHOLE_RUN);
  return { script, steps: [...steps.values()] };
}

function parseLine(line: string): InstallerStep | null {
  const value = parseObject(line);
  const name = value?.['step'];
  const state = STEP_STATES.find((known) => known === value?.['state']);
  const told = parseMoment(value);
  if (typeof name !== 'string' || !STEP_NAME.test(name) || state === undefined || told === null) return null;
  const { pid, detail } = value ?? {};
  return {
    name,
    state,
    started: null,
    told,
    pid: typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : null,
    detail: typeof detail === 'string' ? detail.slice(0, MAXIMUM_DETAIL_LENGTH) : '',
  };
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
