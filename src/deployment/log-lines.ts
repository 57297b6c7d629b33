import { formatDuration } from '../lib/human.ts';
import { asSentence, toPlainLine } from '../lib/plain-text.ts';
import { missesTarget } from '../status/expected.ts';
import type { ServiceView, Status } from '../status/schema.ts';
import { timeline } from '../status/timeline.ts';

/** `[YYYY-mm-dd HH:MM:SS] text` in UTC, the form of the product's log files; `text` made harmless. */
export function stampLine(text: string, date: Date): string {
  return `[${date.toISOString().slice(0, 19).replace('T', ' ')}] ${toPlainLine(text)}`;
}

/** What to write into deployment.log when `next` follows `previous` (null at the start of the daemon): news only. */
export function deploymentLines(previous: Status | null, next: Status): string[] {
  return [
    ...(previous === null ? [`ai-sandbox ${next.version} started`] : []),
    ...latenessNews(previous?.deployment ?? null, next.deployment),
    ...deploymentNews(previous?.deployment ?? null, next.deployment),
    ...phaseNews(previous?.deployment.phases ?? [], next.deployment.phases),
    ...Object.entries(next.services).flatMap(([name, view]) =>
      serviceNews(name, previous?.services[name] ?? null, view),
    ),
    ...Object.keys(previous?.services ?? {})
      .filter((name) => !(name in next.services))
      .map((name) => `${name}: removed from the compose file`),
    ...chatNews(previous?.chat ?? null, next.chat),
    ...problemNews(previous?.problems ?? [], next.problems),
  ];
}

/**
 * What a person at the console of the machine is told: how the deployment ends, that it is late, and problems. A restart of
 * the daemon is no news there.
 */
export function consoleLines(previous: Status | null, next: Status): string[] {
  const quiet = previous === null && next.deployment.deployment_status === 'completed';
  return [
    ...latenessNews(previous?.deployment ?? null, next.deployment),
    ...(quiet ? [] : deploymentNews(previous?.deployment ?? null, next.deployment)),
    ...problemNews(previous?.problems ?? [], next.problems),
  ];
}

/** Problems that explain why a service waits for the engine. */
const DOCKER_PROBLEM = /^(docker_|engine_)/;

/**
 * The status with what is really known of its services: right after a start of the daemon, before the engine has shown its
 * containers, a service that runs looks as if it waited for the engine. It is then shown as before, or not at all.
 */
export function withKnownServices(previous: Status | null, next: Status): Status {
  if (next.problems.some(({ code }) => DOCKER_PROBLEM.test(code))) return next;
  const services = Object.entries(next.services).flatMap(([name, view]) => {
    const known = view.waiting_for === 'docker' ? previous?.services[name] : view;
    return known === undefined ? [] : [[name, known] as const];
  });
  return { ...next, services: Object.fromEntries(services) };
}

function deploymentNews(previous: Status['deployment'] | null, next: Status['deployment']): string[] {
  if (previous?.deployment_status === next.deployment_status) return [];
  const target =
    next.target_met === null
      ? ''
      : ` (target of ${formatDuration(next.target_seconds)} ${next.target_met ? 'met' : 'missed'})`;
  const reason = next.problem === null ? '' : `: ${next.problem.title}`;
  const since = previous === null ? `, begun ${next.deployment_timestamp ?? 'at an unknown time'}` : '';
  const over = next.deployment_status === 'completed';
  const took = over && next.expected_seconds !== null ? ` in ${formatDuration(next.expected_seconds)}` : '';
  const times = over && previous !== null ? timeline(next).map(withLeaders) : [];
  return [`deployment: ${next.deployment_status}${took}${reason}${target}${since}`, ...times];
}

/** Columns made of dots: a line of the log has no two spaces in a row. */
function withLeaders(line: string): string {
  return line.replace(
    / {2,}/g,
    (gap) => ` ${'.'.repeat(Math.max(1, gap.length - 2))}${gap.length > 2 ? ' ' : ''}`,
  );
}

/** Said once, as soon as it is known; the deployment goes on. */
function latenessNews(previous: Status['deployment'] | null, next: Status['deployment']): string[] {
  const before = previous !== null && missesTarget(previous);
  if (next.deployment_status !== 'in_progress' || before || !missesTarget(next)) return [];
  const atLeast =
    next.expected_seconds === null ? '' : `, at least ${formatDuration(next.expected_seconds)} in all`;
  return [
    `deployment: takes longer than its target of ${formatDuration(next.target_seconds)}${atLeast}; it goes on`,
  ];
}

function phaseNews(previous: Status['deployment']['phases'], next: Status['deployment']['phases']): string[] {
  const before = new Map(previous.map((phase) => [phase.name, phase.state]));
  return next
    .filter((phase) => phase.state !== (before.get(phase.name) ?? 'pending'))
    .map((phase) => {
      const after = phase.seconds === null ? '' : ` after ${formatDuration(phase.seconds)}`;
      return `phase ${phase.name}: ${phase.state}${phase.state === 'done' || phase.state === 'failed' ? after : ''}`;
    });
}

function serviceNews(name: string, previous: ServiceView | null, next: ServiceView): string[] {
  const exits = next.restarts > (previous?.restarts ?? next.restarts) || newExit(previous, next);
  const state = serviceState(next);
  return [
    ...(exits && next.last_exit !== null ? [exitLine(name, next.last_exit)] : []),
    ...(previous === null || serviceState(previous) !== state ? [`${name}: ${state}`] : []),
    ...(previous !== null && previous.wanted !== next.wanted
      ? [`${name}: ${next.wanted ? 'started' : 'stopped'} on request`]
      : []),
    ...overrideNews(name, previous?.overrides ?? {}, next.overrides),
  ];
}

/** Flags that ai-sandbox has changed to heal a service, and those that are as the compose file says again. */
function overrideNews(
  name: string,
  previous: ServiceView['overrides'],
  next: ServiceView['overrides'],
): string[] {
  return [
    ...Object.entries(next)
      .filter(([flag, value]) => previous[flag] !== value)
      .map(([flag, value]) => `${name}: ${flag} ${value} instead of what the compose file says, to heal it`),
    ...Object.keys(previous)
      .filter((flag) => !(flag in next))
      .map((flag) => `${name}: ${flag} as the compose file says again`),
  ];
}

function serviceState(view: ServiceView): string {
  if (view.ready) return 'running, ready';
  const reason =
    view.waiting_for !== null
      ? `, waiting for ${view.waiting_for}`
      : view.next_restart_at !== null
        ? `, next attempt at ${view.next_restart_at}`
        : '';
  return `${view.service_status}${view.service_status === 'running' ? ', not ready' : ''}${reason}`;
}

function newExit(previous: ServiceView | null, next: ServiceView): boolean {
  return previous !== null && next.last_exit !== null && previous.last_exit?.at !== next.last_exit.at;
}

function exitLine(name: string, exit: NonNullable<ServiceView['last_exit']>): string {
  const code = exit.exit_code === null ? '' : `, exit code ${exit.exit_code}`;
  return `${name}: ended: ${exit.cause}${code}${exit.oom_killed ? ', out of memory' : ''}, attempt ${exit.attempt}`;
}

function chatNews(previous: Status['chat'] | null, next: Status['chat']): string[] {
  const same = previous?.persistence_state === next.persistence_state;
  return same || next.persistence_state === null ? [] : [`chats: ${next.persistence_state}`];
}

function problemNews(previous: Status['problems'], next: Status['problems']): string[] {
  const key = (problem: Status['problems'][number]) => `${problem.code}\n${problem.detail}`;
  const before = new Map(previous.map((problem) => [key(problem), problem]));
  const after = new Set(next.map(key));
  const codes = new Set(next.map((problem) => problem.code));
  return [
    ...next
      .filter((problem) => !before.has(key(problem)))
      .map(({ title, code, detail, remedy }) => `ERROR: ${title} (${code}): ${asSentence(detail)} ${remedy}`),
    ...[...before]
      .filter(([each, problem]) => !after.has(each) && !codes.has(problem.code))
      .map(([, problem]) => `no longer: ${problem.title} (${problem.code})`),
  ];
}
