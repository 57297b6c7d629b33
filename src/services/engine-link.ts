import type { Engine, EngineInfo } from '../docker/engine.ts';
import { EngineError } from '../docker/engine.ts';
import { unsupportedReason } from '../docker/engine-info.ts';
import type { Clock } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Finding } from '../status/problem.ts';

/** Between two questions whether the engine answers. */
export const PING_INTERVAL_MS = 4_000;
/** A silent engine is taken for lost after this; 4 s + 5 s keep the promise of 10 s. */
const PING_DEADLINE_MS = 5_000;
/** Pace of asking an engine that is lost. */
const LOST_PING_INTERVAL_MS = 1_000;

/** Whether the engine can be reached, and what it says of itself. */
export interface EngineLink {
  /** Null before the first answer. */
  readonly reachable: boolean | null;
  readonly info: EngineInfo | null;
  /** Why it cannot be reached; null when it can. */
  readonly finding: Finding | null;
  /** Why nothing may be changed on it: it is of a kind that the daemon cannot work with; null when it is not. */
  readonly unsupported: Finding | null;
  /** Monotonic time of the next question. */
  readonly nextAt: number;
  /** Asks when it is time. */
  due(now: number): void;
  /** Asks now: something looked like a loss. */
  check(): void;
}

/** Makes a link; `onLost` and `onBack` are told of changes, `onAnswer` of every answer. */
export function createEngineLink(parts: {
  engine: Engine;
  clock: Clock;
  intervalMs: number;
  signal(): AbortSignal;
  onLost(finding: Finding): void;
  onBack(): void;
  onAnswer(): void;
}): EngineLink {
  let reachable: boolean | null = null;
  let info: EngineInfo | null = null;
  let finding: Finding | null = null;
  let nextAt = Number.NEGATIVE_INFINITY;
  let asking = false;
  let again = false;

  const answered = () => {
    const wasLost = reachable === false;
    reachable = true;
    finding = null;
    if (wasLost) parts.onBack();
  };
  const lost = (loss: Finding) => {
    const wasLost = reachable === false;
    reachable = false;
    finding = loss;
    if (!wasLost) parts.onLost(loss);
  };
  const ask = async () => {
    asking = true;
    const askedAt = parts.clock.monotonicMs();
    try {
      info = await withDeadline(
        parts.clock,
        'the Docker engine',
        PING_DEADLINE_MS,
        (signal) => parts.engine.info(signal),
        parts.signal(),
      );
      nextAt = askedAt + parts.intervalMs;
      answered();
    } catch (error) {
      if (parts.signal().aborted) return;
      nextAt = parts.clock.monotonicMs() + LOST_PING_INTERVAL_MS;
      const loss = lossOf(error);
      if (loss === null) answered();
      else lost(loss);
    } finally {
      asking = false;
    }
    if (again) {
      again = false;
      nextAt = parts.clock.monotonicMs();
    }
    parts.onAnswer();
  };

  return {
    get reachable() {
      return reachable;
    },
    get info() {
      return info;
    },
    get finding() {
      return finding;
    },
    get unsupported() {
      return info === null ? null : unsupportedReason(info);
    },
    get nextAt() {
      return asking ? Number.POSITIVE_INFINITY : nextAt;
    },
    due(now) {
      if (!asking && nextAt <= now) void ask();
    },
    check() {
      if (asking) again = true;
      else nextAt = parts.clock.monotonicMs();
    },
  };
}

/** Null for a refusal: an engine that refuses is there. */
function lossOf(error: unknown): Finding | null {
  if (!(error instanceof EngineError)) return { code: 'docker_unreachable', detail: errorMessage(error) };
  return error.kind === 'unreachable' || error.kind === 'permission' ? error.finding : null;
}
