import { type Static, Type } from 'typebox';
import { DEPLOYMENT_STATUSES, type DeploymentView, ProblemSchema } from '../status/schema.ts';
import { blockingProblem, type DeploymentFacts, isComplete } from './facts.ts';
import { type Moment, MomentSchema, secondsBetween } from './moment.ts';
import { phaseViews, stepInstaller, stepPhases } from './phases.ts';

/** From the installer's start to the first answered chat (NFR of the product: five minutes). */
const TARGET_SECONDS = 300;

const closed = { additionalProperties: false } as const;
const orNull = <const T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const PhasesSchema = Type.Array(
  Type.Object(
    {
      name: Type.String(),
      state: Type.Enum(['pending', 'running', 'done', 'failed']),
      started: orNull(MomentSchema),
      finished: orNull(MomentSchema),
    },
    closed,
  ),
);

/** The part of the state file that this room owns. */
export const DeploymentMemorySchema = Type.Object(
  {
    deployment_status: Type.Enum([...DEPLOYMENT_STATUSES]),
    /** Where the five-minute clock began; null before the first step. Never moved afterwards. */
    started: orNull(MomentSchema),
    completed: orNull(MomentSchema),
    /** The latest step, against which running phases are shown. */
    seen: orNull(MomentSchema),
    default_model_identifier: orNull(Type.String()),
    phases: PhasesSchema,
    /** Steps of the installer. */
    installer: PhasesSchema,
    problem: orNull(ProblemSchema),
  },
  closed,
);

/** What is remembered of the one deployment of this machine. */
export type DeploymentMemory = Static<typeof DeploymentMemorySchema>;

/** What the host knows about itself; from the metadata service, null where it is not known. */
export interface DeploymentIdentity {
  instance_type: string | null;
  region: string | null;
  label: string | null;
}

/** The memory of a machine on which nothing has happened yet: the initial value of the section. */
export const INITIAL_DEPLOYMENT: DeploymentMemory = {
  deployment_status: 'in_progress',
  started: null,
  completed: null,
  seen: null,
  default_model_identifier: null,
  phases: [],
  installer: [],
  problem: null,
};

/**
 * Starts the clock: at the installer's stamp where there is one, else now. A clock that runs already is left alone, so
 * that a later boot or upgrade restarts nothing.
 */
export function startDeployment(
  previous: DeploymentMemory,
  stamp: Moment | null,
  now: Moment,
): DeploymentMemory {
  return previous.started === null ? { ...previous, started: stamp ?? now, seen: now } : previous;
}

/**
 * Takes the deployment one step further: in_progress → completed or failed; failed → in_progress as soon as what failed is
 * tried again; completed is final and changes no more (a later failure is a problem, not a new deployment).
 */
export function stepDeployment(
  previous: DeploymentMemory,
  facts: DeploymentFacts,
  now: Moment,
): DeploymentMemory {
  const installer = stepInstaller(previous.installer, facts.installer);
  // The last line of the installer may come after the first chat; a repair long afterwards is not part of the deployment.
  if (previous.deployment_status === 'completed') {
    return previous.installer.every(isOver) ? previous : { ...previous, installer };
  }
  const memory: DeploymentMemory = {
    ...startDeployment(previous, null, now),
    installer,
    seen: now,
    default_model_identifier: facts.model.model_identifier ?? previous.default_model_identifier,
    phases: stepPhases(previous.phases, facts, now),
  };
  if (isComplete(facts)) {
    return { ...memory, deployment_status: 'completed', completed: now, problem: null };
  }
  const problem = blockingProblem(facts);
  return { ...memory, deployment_status: problem === null ? 'in_progress' : 'failed', problem };
}

/** The deployment as /status shows it; `expected_seconds` is what it has taken so far, or took in all. */
export function deploymentView(memory: DeploymentMemory, identity: DeploymentIdentity): DeploymentView {
  return {
    deployment_status: memory.deployment_status,
    deployment_timestamp: memory.started?.at ?? null,
    instance_type: identity.instance_type,
    region: identity.region,
    label: identity.label,
    default_model_identifier: memory.default_model_identifier,
    phases: phaseViews([...memory.installer, ...memory.phases], memory.started, memory.seen),
    target_seconds: TARGET_SECONDS,
    target_met: targetMet(memory),
    expected_seconds: takenSeconds(memory),
    problem: memory.problem,
  };
}

/** Whether two memories differ in more than the moment of the last look, that is: whether it is worth a write. */
export function deploymentChanged(previous: DeploymentMemory, next: DeploymentMemory): boolean {
  return JSON.stringify({ ...previous, seen: null }) !== JSON.stringify({ ...next, seen: null });
}

function isOver({ state }: DeploymentMemory['installer'][number]): boolean {
  return state === 'done' || state === 'failed';
}

function takenSeconds({ started, completed, seen }: DeploymentMemory): number | null {
  const end = completed ?? seen;
  return started === null || end === null ? null : secondsBetween(started, end);
}

/** Missed is known as soon as the time is over; met only at the end. */
function targetMet(memory: DeploymentMemory): boolean | null {
  const taken = takenSeconds(memory);
  if (taken === null) return null;
  if (taken > TARGET_SECONDS) return false;
  return memory.completed === null ? null : true;
}
