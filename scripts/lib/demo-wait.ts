import type { Status } from '../../src/status/schema.ts';

/** Whoever watches gives up when nothing has moved for so long: two minutes more than the longest silence seen on two busy cores. */
export const SILENCE_LIMIT_MS = 10 * 60_000;

/** A trouble of the host may pass (an engine that restarts, a disk that is being freed): so long it is waited for. */
export const HOST_LIMIT_MS = 60_000;

type Problem = Status['problems'][number];

/** What one look at the status says to whoever waits. */
export interface Look {
  /** Problems that were not there at an earlier look. */
  fresh: Problem[];
  /** Why waiting has no sense any more, in words; null: go on. */
  end: string | null;
}

/** Follows one way to ready: how long it may take is decided by what moves, not by a clock. */
export interface Wait {
  /** `status` is null where the daemon did not answer. */
  look(status: Status | null, nowMs: number): Look;
}

/**
 * Makes one. Bytes that are fetched and phases that begin give it time; each counts once, so that what begins again and again
 * does not go on for ever. A fatal problem that has ended the attempt ends it at once, one of the host after a minute.
 * `shown` are the problems of earlier waits; new ones are added.
 */
export function createWait(startMs: number, shown = new Set<string>()): Wait {
  const phases = new Set<string>();
  const most = new Map<string, number>();
  let movedAtMs = startMs;
  let hostSinceMs: number | null = null;

  const moves = (status: Status): boolean => {
    const grown = Object.entries(bytesOf(status)).filter(([what, bytes]) => bytes > (most.get(what) ?? 0));
    for (const [what, bytes] of grown) most.set(what, bytes);
    const begun = phasesOf(status).filter((phase) => !phases.has(phase));
    for (const phase of begun) phases.add(phase);
    return grown.length + begun.length > 0;
  };

  const endOf = (status: Status, nowMs: number): string | null => {
    const problem = endingProblem(status);
    if (problem?.class !== 'host') hostSinceMs = null;
    if (problem === null) return null;
    const words = `it cannot become ready: ${problem.title} (${problem.code})`;
    if (problem.class !== 'host') return words;
    hostSinceMs ??= nowMs;
    return nowMs - hostSinceMs < HOST_LIMIT_MS ? null : `${words}, for ${HOST_LIMIT_MS / 1000} seconds now`;
  };

  return {
    look(status, nowMs) {
      if (status !== null && moves(status)) movedAtMs = nowMs;
      const fresh = (status?.problems ?? []).filter((problem) => {
        const key = `${problem.code} ${problem.since}`;
        return !shown.has(key) && shown.add(key);
      });
      const silent =
        nowMs - movedAtMs < SILENCE_LIMIT_MS
          ? null
          : `nothing has moved for ${SILENCE_LIMIT_MS / 60_000} minutes: no bytes, no phase`;
      return { fresh, end: (status === null ? null : endOf(status, nowMs)) ?? silent };
    },
  };
}

/** A problem and what to do, as two lines for a person. */
export function problemText({ code, title, detail, remedy }: Problem): string {
  return `problem: ${title} (${code}): ${detail}\n  what to do: ${remedy}`;
}

/** The problem for which the daemon has given up, until a person acts or what is wrong passes; null: it goes on. */
function endingProblem({ deployment, services, problems }: Status): Problem | null {
  const failed = Object.values(services).find((view) => view.service_status === 'failed');
  const ofDeployment = deployment.deployment_status === 'failed' ? deployment.problem : null;
  return problems.find(({ class: kind }) => kind === 'fatal') ?? ofDeployment ?? failed?.problem ?? null;
}

/** What has been fetched and unpacked, by what it is for. */
function bytesOf({ model, services }: Status): Record<string, number> {
  const pulled = Object.entries(services).map(([name, { pull }]) => [
    `image of ${name}`,
    pull === null ? 0 : pull.bytes_done + pull.bytes_unpacked,
  ]);
  return { model: model.download.bytes_done ?? 0, ...Object.fromEntries(pulled) };
}

/** Everything that happens once on the way. */
function phasesOf({ progress, deployment, model, services }: Status): string[] {
  return [
    `progress ${progress.phase}`,
    `download ${model.download_status}`,
    `load ${model.load.phase}`,
    ...deployment.phases.map(({ name, state }) => `phase ${name} ${state}`),
    ...Object.entries(services).map(
      ([name, { service_status, waiting_for }]) => `${name} ${waiting_for ?? service_status}`,
    ),
  ];
}
