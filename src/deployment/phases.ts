import { unreachable } from '../lib/errors.ts';
import type { PhaseView, ServiceView } from '../status/schema.ts';
import { type DeploymentFacts, modelIsBlocked, serviceIsBlocked } from './facts.ts';
import { type Moment, secondsBetween } from './moment.ts';
import type { PhaseMemory } from './phase-memory.ts';

/**
 * What the facts say about a phase now. `waiting`: nothing moves, but it has not failed; what runs goes on running
 * (the wait for the next attempt counts).
 */
type Observation = 'waiting' | 'running' | 'done' | 'failed';

/** Reasons to wait that come after the image: with one of them shown and no pull, the image is there. */
const WAITS_AFTER_IMAGE: readonly (string | null)[] = ['model', 'gpu', 'gpu_driver'];

/** Problems of getting an image, told from those of starting a container by their codes. */
const IMAGE_PROBLEM = /^(image|registry|disk)_/;

/**
 * Takes the phases one step further. Phases overlap: images and model are fetched at the same time. A finished phase stays
 * finished; a failed one runs again, under its first start time, when it is retried. What was never seen running
 * (an image that was there) is done in no time.
 */
export function stepPhases(
  previous: readonly PhaseMemory[],
  facts: DeploymentFacts,
  now: Moment,
): PhaseMemory[] {
  const known = new Map(previous.map((phase) => [phase.name, phase]));
  return observePhases(facts).map(([name, observation]) =>
    stepPhase(known.get(name) ?? { name, state: 'pending', started: null, finished: null }, observation, now),
  );
}

/**
 * Takes over what the installer tells of its steps. What is done stays done, with its times: a second run of the installer
 * finds everything there and does it in no time.
 */
export function stepInstaller(previous: readonly PhaseMemory[], told: readonly PhaseMemory[]): PhaseMemory[] {
  const known = new Map(previous.map((phase) => [phase.name, phase]));
  const names = new Set(told.map(({ name }) => name));
  return [
    ...previous.filter(({ name, state }) => state === 'done' && !names.has(name)),
    ...told.map((phase) => {
      const before = known.get(phase.name);
      return before?.state === 'done' && phase.state === 'done' ? before : phase;
    }),
  ];
}

/**
 * Phases as /status shows them; `seconds` of a running phase is what it has taken so far, `after_seconds` is counted from
 * the `begin` of the deployment.
 */
export function phaseViews(
  phases: readonly PhaseMemory[],
  begin: Moment | null,
  now: Moment | null,
): PhaseView[] {
  return phases.map(({ name, state, started, finished }) => {
    const end = finished ?? (state === 'running' ? now : null);
    return {
      name,
      state,
      started_at: started?.at ?? null,
      finished_at: finished?.at ?? null,
      after_seconds: started === null || begin === null ? null : secondsBetween(begin, started),
      seconds: started === null || end === null ? null : secondsBetween(started, end),
    };
  });
}

/** The phases of these facts in the order in which they usually end, each with what is seen of it now. */
function observePhases(facts: DeploymentFacts): [name: string, observation: Observation][] {
  const services = Object.entries(facts.services);
  const api = facts.services['api'];
  const images = services.map(([name, view]): [string, Observation] => [`image_${name}`, imagePhase(view)]);
  const starts = services
    .filter(([name]) => name !== 'api')
    .map(([name, view]): [string, Observation] => [`start_${name}`, startPhase(view)]);
  if (api === undefined) return [...images, ...starts];
  return [
    ...images,
    ['model_download', downloadPhase(facts.model)],
    ...starts,
    ['load_model', facts.engineAnswers === true ? 'done' : startPhase(api)],
    ...firstChatPhase(api, facts.engineAnswers),
  ];
}

function imagePhase(view: ServiceView): Observation {
  if (view.container_id !== null || view.service_status === 'running' || view.service_status === 'starting') {
    return 'done';
  }
  if (view.pull !== null) return 'running';
  if (WAITS_AFTER_IMAGE.includes(view.waiting_for)) return 'done';
  if (serviceIsBlocked(view) && IMAGE_PROBLEM.test(view.problem?.code ?? '')) return 'failed';
  return view.waiting_for === 'image' ? 'running' : 'waiting';
}

function startPhase(view: ServiceView): Observation {
  if (view.ready) return 'done';
  if (view.service_status === 'starting' || view.service_status === 'running') return 'running';
  return serviceIsBlocked(view) && !IMAGE_PROBLEM.test(view.problem?.code ?? '') ? 'failed' : 'waiting';
}

function downloadPhase(model: DeploymentFacts['model']): Observation {
  if (model.active_status) return 'done';
  switch (model.download_status) {
    case 'completed':
      return 'done';
    case 'downloading':
      return 'running';
    case 'failed':
      return 'failed';
    case 'pending':
      return modelIsBlocked(model) ? 'failed' : 'waiting';
    default:
      return unreachable(model.download_status);
  }
}

/** Left out where nobody tells it apart from loading: a phase of no seconds would be a lie. */
function firstChatPhase(api: ServiceView, engineAnswers: boolean | null): [string, Observation][] {
  if (engineAnswers === null) return [];
  if (api.ready) return [['first_chat', 'done']];
  return [['first_chat', engineAnswers ? 'running' : 'waiting']];
}

function stepPhase(phase: PhaseMemory, observation: Observation, now: Moment): PhaseMemory {
  if (phase.state === 'done') return phase;
  switch (observation) {
    case 'waiting':
      return phase.state === 'failed' ? { ...phase, state: 'pending', finished: null } : phase;
    case 'running':
      return { ...phase, state: 'running', started: phase.started ?? now, finished: null };
    case 'done':
      return { ...phase, state: 'done', started: phase.started ?? now, finished: now };
    case 'failed':
      return phase.state === 'failed' ? phase : { ...phase, state: 'failed', finished: now };
    default:
      return unreachable(observation);
  }
}
