import { type Clock, toTimestamp } from '../lib/clock.ts';
import { withDeadline } from '../lib/deadline.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Status } from './schema.ts';
import { stateOf } from './state-of.ts';

/** `state`: something a person is told at once. `progress`: only amounts moved. */
type Change = 'state' | 'progress';

/** Something that shows the status elsewhere (motd, log files, systemd). It may fail and may hang. */
export type Sink = (status: Status, change: Change) => Promise<void>;

/** The one snapshot of the daemon. */
export interface Publisher {
  /** Something may have changed. Cheap; may be called at any rate. */
  touch(): void;
  /** The latest published snapshot, its `time` and `uptime_seconds` as of this call. */
  current(): Status;
  /** Publishes the facts as they are now and resolves when `current()` shows them. Never rejects. */
  publish(): Promise<void>;
  /** Publishes what is pending, then ignores further touches. */
  close(): Promise<void>;
}

/** Parts of {@link createPublisher}. */
export interface PublisherParts {
  assemble: () => Status;
  sinks: readonly Sink[];
  clock: Clock;
  log: Log;
}

/** Pure progress is published at most this often. */
const PROGRESS_INTERVAL_MS = 1000;

/** How long one sink may hold up a publication. */
const SINK_DEADLINE_MS = 2000;

/**
 * Makes the publisher. Every snapshot goes to all sinks first and becomes `current()` afterwards, so that motd never
 * lags behind `/status`. A sink that fails or hangs is logged and passed over; one that still hangs from before is
 * skipped and gets the newest snapshot when it returns, so that an old text never overwrites a new one.
 */
export function createPublisher({ assemble, sinks, clock, log }: PublisherParts): Publisher {
  const outlets = sinks.map((sink, index) => createOutlet(sink, `status sink ${index + 1}`, clock, log));
  let shown = { status: assemble(), at: clock.monotonicMs() };
  let published = false;
  let pending = false;
  let forced = false;
  let closed = false;
  let running: Promise<void> | null = null;
  let wake: AbortController | null = null;

  const deliver = async (status: Status, change: Change) => {
    const at = clock.monotonicMs();
    await Promise.all(outlets.map((outlet) => outlet(status, change)));
    shown = { status, at };
    published = true;
  };
  const nextChange = (next: Status): Change | null => {
    if (!published || stateOf(next) !== stateOf(shown.status)) return 'state';
    return amountsOf(next) === amountsOf(shown.status) ? null : 'progress';
  };
  const publishPending = async () => {
    while (pending) {
      pending = false;
      const urgent = forced;
      forced = false;
      const next = assemble();
      const change = nextChange(next);
      const tooEarlyMs = shown.at + PROGRESS_INTERVAL_MS - clock.monotonicMs();
      if (change === 'progress' && !urgent && tooEarlyMs > 0) {
        pending = true;
        wake = new AbortController();
        await clock.sleep(tooEarlyMs, wake.signal).catch(() => undefined);
        wake = null;
      } else if (change !== null) {
        await deliver(next, change);
      }
    }
  };
  const work = async () => {
    try {
      await publishPending();
    } catch (error) {
      log.error('the status could not be assembled', { error: errorMessage(error) });
    } finally {
      // In the same turn as the last look at `pending`, so that no request falls between the two.
      running = null;
    }
  };
  const request = (urgent: boolean): Promise<void> => {
    pending = true;
    forced ||= urgent;
    wake?.abort();
    running ??= Promise.resolve().then(work);
    return running;
  };

  return {
    touch: () => {
      if (!closed) void request(false);
    },
    current: () => ({
      ...shown.status,
      time: toTimestamp(clock.now()),
      uptime_seconds:
        shown.status.uptime_seconds + Math.max(0, Math.floor((clock.monotonicMs() - shown.at) / 1000)),
    }),
    publish: () => request(true),
    close: async () => {
      const last = running === null ? Promise.resolve() : request(true);
      closed = true;
      await last;
    },
  };
}

/** Wraps a sink: never rejects, settles within the deadline, never runs twice at the same time. */
function createOutlet(sink: Sink, name: string, clock: Clock, log: Log): Sink {
  let busy = false;
  let missed: { status: Status; change: Change } | null = null;
  let lastComplaint: string | null = null;
  const complain = (message: string) => {
    if (message !== lastComplaint) log.warn(`${name}: ${message}`);
    lastComplaint = message;
  };
  const run: Sink = async (status, change) => {
    if (busy) {
      missed = { status, change: missed?.change === 'state' ? 'state' : change };
      return;
    }
    busy = true;
    const call = async () => {
      try {
        await sink(status, change);
        lastComplaint = null;
      } catch (error) {
        complain(errorMessage(error));
      } finally {
        busy = false;
        const late = missed;
        missed = null;
        if (late !== null) void run(late.status, late.change);
      }
    };
    await withDeadline(clock, name, SINK_DEADLINE_MS, call).catch((error: unknown) =>
      complain(errorMessage(error)),
    );
  };
  return run;
}

function amountsOf(status: Status): string {
  return JSON.stringify({ ...status, time: '', uptime_seconds: 0 });
}
