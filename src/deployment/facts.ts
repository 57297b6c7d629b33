import type { ModelView, ServiceView, Status } from '../status/schema.ts';
import type { PhaseMemory } from './phase-memory.ts';

type ShownProblem = Status['problems'][number];

/** What the deployment is derived from: values of the other rooms at one moment, in the words of /status. */
export interface DeploymentFacts {
  /** Every service of the compose file, by name; empty while no file could be read. */
  services: Readonly<Record<string, ServiceView>>;
  model: Pick<
    ModelView,
    'model_identifier' | 'download_status' | 'configuration_state' | 'active_status' | 'problem'
  >;
  /** True once the chats have been looked at, whatever was found; also when the file has no `ui`. */
  chatsChecked: boolean;
  /** False while the chat page is still to be opened where the file wants it. */
  pageSettled: boolean;
  /** True once the engine of `api` answers /health; null where that is not known apart from `ready`. */
  engineAnswers: boolean | null;
  /** Steps of the installer, in their order; empty where none told any. */
  installer: readonly PhaseMemory[];
  /** Problems of no service: compose file, Docker. Those that do not hold up a deployment are passed over. */
  problems: readonly ShownProblem[];
}

/** Problems of the whole daemon without which no service can come up. */
const HOLDS_UP_EVERYTHING: readonly string[] = [
  'compose_file_missing',
  'compose_file_invalid',
  'docker_unreachable',
  'docker_permission_denied',
  'engine_unsupported',
];

/** Problems of the installer; they hold up a deployment only where a service waits for what a step should have brought. */
const INSTALLER_PROBLEMS: readonly string[] = ['installer_step_failed', 'installer_interrupted'];

/** The word under which a service waits for a step of the installer. */
const WAITS_FOR_INSTALLER = 'gpu_driver';

/** All services are ready, the engine would answer a chat, the chats have been checked. */
export function isComplete(facts: DeploymentFacts): boolean {
  const services = Object.entries(facts.services);
  const needsModel = 'api' in facts.services;
  return (
    services.length > 0 &&
    services.every(([, view]) => view.ready) &&
    (!needsModel || facts.model.active_status) &&
    facts.chatsChecked &&
    facts.pageSettled
  );
}

/**
 * The problem that keeps the deployment from completing and does not pass by itself; null while something still moves.
 * Causes of the whole daemon come before the model's, and these before a service's. What is being tried again
 * (a container that starts, a download that runs) is not failed, even while its last problem is still shown.
 */
export function blockingProblem(facts: DeploymentFacts): ShownProblem | null {
  const ofAll = facts.problems.find(
    (problem) => stands(problem) && HOLDS_UP_EVERYTHING.includes(problem.code),
  );
  if (ofAll !== undefined) return ofAll;
  const held = Object.values(facts.services).some((view) => view.waiting_for === WAITS_FOR_INSTALLER);
  const installer = facts.problems.find(({ code }) => INSTALLER_PROBLEMS.includes(code));
  if (held && installer !== undefined) return installer;
  if ('api' in facts.services && modelIsBlocked(facts.model)) return facts.model.problem;
  for (const view of Object.values(facts.services)) {
    if (serviceIsBlocked(view)) return view.problem;
  }
  return null;
}

/** A fatal or host problem stands on this service while it neither runs, starts nor waits for its next attempt. */
export function serviceIsBlocked(view: ServiceView): boolean {
  const atRest = view.service_status === 'failed' || view.service_status === 'stopped';
  return !view.ready && atRest && view.next_restart_at === null && stands(view.problem);
}

/** A fatal or host problem stands on the model and nothing is being downloaded. */
export function modelIsBlocked(model: DeploymentFacts['model']): boolean {
  if (model.active_status || !stands(model.problem)) return false;
  return model.download_status === 'completed'
    ? model.configuration_state === 'error'
    : model.download_status !== 'downloading';
}

function stands(problem: ShownProblem | null): boolean {
  return problem !== null && (problem.class === 'fatal' || problem.class === 'host');
}
