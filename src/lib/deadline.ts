import type { Clock } from './clock.ts';

/** A call that did not answer in time. `what` names the call, `afterMs` the time it was given. */
export class DeadlineError extends Error {
  readonly code = 'deadline_exceeded';
  readonly what: string;
  readonly afterMs: number;
  constructor(what: string, afterMs: number) {
    super(`${what} did not answer within ${afterMs / 1000} s`);
    this.name = 'DeadlineError';
    this.what = what;
    this.afterMs = afterMs;
  }
}

/** Made once: an abort without a reason would make an error with a stack for every call. */
const SETTLED = new Error('the call has settled');

/**
 * Runs `call` for at most `ms` milliseconds. The signal it gets aborts at the deadline or when `outer` does;
 * the promise settles then even if the call ignores its signal (docker-modem leaves a cut body pending for ever).
 * Throws {@link DeadlineError}, or the reason of `outer`.
 */
export async function withDeadline<T>(
  clock: Clock,
  what: string,
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const onOuterAbort = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', onOuterAbort, { once: true });
  const timer = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  });
  clock.sleep(ms, timer.signal).then(
    () => controller.abort(new DeadlineError(what, ms)),
    () => undefined,
  );
  try {
    const answer = call(controller.signal);
    answer.catch(() => undefined);
    return await Promise.race([answer, aborted]);
  } finally {
    timer.abort(SETTLED);
    outer?.removeEventListener('abort', onOuterAbort);
    aborted.catch(() => undefined);
  }
}
