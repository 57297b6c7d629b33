import type { ServiceSpec } from '../compose/service-spec.ts';
import type { ObservedContainer, PullProgress } from '../docker/engine.ts';
import { toTimestamp } from '../lib/clock.ts';
import type { Finding, Problem } from '../status/problem.ts';
import type { ServiceStatus, ServiceView } from '../status/schema.ts';
import type { ServiceMemory } from './memory.ts';
import { isUp } from './plan-order.ts';
import { classOf, isProblemCode } from './problem-code.ts';
import type { RunWatch } from './run-watch.ts';

/** All that the view of a service is derived from. Times are monotonic milliseconds unless they are dates. */
export interface ServiceFacts {
  service: ServiceSpec;
  memory: ServiceMemory;
  container: ObservedContainer | null;
  stranger: { owner: string } | null;
  watch: RunWatch | null;
  /** A start is on its way. */
  startUnderWay: boolean;
  waitingFor: string | null;
  notBefore: number;
  pull: PullProgress | null;
  /** What failed beside the container: image, networks, the last call. */
  findings: { refusal: Finding | null; image: Finding | null; call: Finding | null; exit: Finding | null };
  overrides: Record<string, string>;
  /** What stands behind the service (`ui`); null for a service with nothing behind it. */
  backend: { ready: boolean } | null;
}

/** `stopped → starting → running`, `failed` for what does not pass by itself; see the table of words. Pure. */
function serviceStatus(facts: ServiceFacts): ServiceStatus {
  const { container, memory, watch } = facts;
  if (container !== null && isUp(container)) {
    if (watch?.ready === true) return 'running';
    return isFatal(watch?.finding ?? null) ? 'failed' : 'starting';
  }
  if (!memory.wanted) return 'stopped';
  if (facts.startUnderWay) return 'starting';
  const fatal = memory.failure !== null || facts.stranger !== null || isFatal(facts.findings.image);
  return fatal ? 'failed' : 'stopped';
}

/** What stands in the way of the service, the most telling first; null when nothing does. Pure. */
export function serviceFinding(facts: ServiceFacts): Finding | null {
  const { memory, findings, watch } = facts;
  const ready = watch?.ready === true;
  if (!memory.wanted) return null;
  if (facts.stranger !== null && facts.container === null) {
    return {
      code: 'name_taken',
      detail: `the name ${facts.service.containerName} is held by another container: ${facts.stranger.owner}`,
    };
  }
  if (facts.container?.state === 'paused') return pausedFinding(facts.container.name);
  if (ready) return watch?.logsUnreadable ?? null;
  const failure = failureFinding(memory);
  if (failure !== null) return failure;
  return (
    watch?.finding ??
    findings.refusal ??
    findings.image ??
    findings.call ??
    findings.exit ??
    lastFailure(facts) ??
    watch?.logsUnreadable ??
    null
  );
}

/** The view that `/status` shows. `problem` is the finding after dating. Pure. */
export function serviceView(
  facts: ServiceFacts,
  problem: Problem | null,
  time: { monotonicMs: number; now: Date },
): ServiceView {
  const { container, memory, watch } = facts;
  const up = container !== null && isUp(container);
  const waitMs = facts.notBefore - time.monotonicMs;
  const waits = !up && memory.wanted && waitMs > 0 && memory.failure?.class !== 'fatal';
  return {
    service_status: serviceStatus(facts),
    waiting_for: up || !memory.wanted ? null : facts.waitingFor,
    ready: up && watch?.ready === true,
    image: facts.service.image,
    container_id: container?.id ?? null,
    started_at: up ? shortTime(container.startedAt) : null,
    restarts: memory.restarts,
    next_restart_at: waits ? toTimestamp(new Date(time.now.getTime() + waitMs)) : null,
    wanted: memory.wanted,
    pull: facts.pull === null ? null : pullView(facts.pull),
    last_exit: memory.history.at(-1) ?? null,
    overrides: facts.overrides,
    problem,
    ...(facts.backend === null ? {} : { backend_ready: up ? backendReady(facts.backend, watch) : null }),
  };
}

function pullView({ phase, bytesDone, bytesTotal, bytesUnpacked, share }: PullProgress): ServiceView['pull'] {
  return {
    phase,
    bytes_done: bytesDone,
    bytes_total: bytesTotal,
    bytes_unpacked: bytesUnpacked,
    percent: share === null ? null : Math.floor(share * 1000) / 10,
  };
}

/** Both by the file and by what the page itself offers, where it could be asked. */
function backendReady(backend: { ready: boolean }, watch: RunWatch | null): boolean {
  return backend.ready && watch?.backendReady !== false;
}

function pausedFinding(name: string): Finding {
  const detail = `the container ${name} is paused (docker pause), so that it answers nothing`;
  return { code: 'not_responding', detail, class: 'host', remedy: `Run: docker unpause ${name}.` };
}

function isFatal(finding: Finding | null): boolean {
  return finding !== null && classOf(finding) === 'fatal';
}

function failureFinding(memory: ServiceMemory): Finding | null {
  const failure = memory.failure;
  if (failure === null || !isProblemCode(failure.code)) return null;
  return {
    code: failure.code,
    detail: failure.detail,
    ...(failure.class === null ? {} : { class: failure.class }),
    ...(failure.remedy === null ? {} : { remedy: failure.remedy }),
  };
}

/** After a restart of the daemon the cause of a wait is known from the record alone. */
function lastFailure(facts: ServiceFacts): Finding | null {
  // A run that was ready has got over the exit before it.
  if (facts.memory.run !== null && facts.memory.run.readyRun !== null) return null;
  const exit = facts.memory.history.at(-1);
  if (exit === undefined || exit.attempt === 0 || facts.memory.attempts === 0) return null;
  const detail = `${facts.service.name} ${exit.cause}`;
  return { code: exit.oom_killed ? 'out_of_memory' : 'container_exited', detail };
}

/** RFC 3339 to the second; what cannot be read is unknown. */
function shortTime(timestamp: string | null): string | null {
  const time = timestamp === null ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? null : toTimestamp(new Date(time));
}
