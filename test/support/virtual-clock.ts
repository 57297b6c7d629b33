import type { Clock } from '../../src/lib/clock.ts';

interface Timer {
  at: number;
  order: number;
  done: boolean;
  ring(): void;
}

/** A clock whose time passes only when the test says so; hours of a loop are run in milliseconds. */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass: every wait that ends within them ends in order, with all that follows from it. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as a jump of the system time does. */
  jumpWall(ms: number): void;
  /** Lets everything run that needs no time. */
  settle(): Promise<void>;
}

/** The wall time at which virtual clocks begin. */
export const VIRTUAL_START = Date.UTC(2026, 0, 1);

/** Makes a clock that stands at 0 ms and {@link VIRTUAL_START}. */
export function createVirtualClock(): VirtualClock {
  let now = 0;
  let wallOffset = VIRTUAL_START;
  let order = 0;
  const heap = createHeap();
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    monotonicMs: () => now,
    now: () => new Date(wallOffset + now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const timer: Timer = {
          at: now + Math.max(0, ms),
          order: order++,
          done: false,
          ring() {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        const onAbort = () => {
          timer.done = true;
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        heap.push(timer);
      }),
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = heap.peek();
        if (next === undefined || next.at > end) break;
        heap.pop();
        if (next.done) continue;
        now = Math.max(now, next.at);
        next.done = true;
        next.ring();
        await settle();
      }
      now = end;
    },
    jumpWall(ms) {
      wallOffset += ms;
    },
    settle,
  };
}

function createHeap() {
  const items: Timer[] = [];
  const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
  const swap = (i: number, j: number) => {
    const held = items[i]!;
    items[i] = items[j]!;
    items[j] = held;
  };
  return {
    peek: () => items[0],
    push(timer: Timer) {
      items.push(timer);
      for (let at = items.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!before(items[at]!, items[parent]!)) break;
        swap(at, parent);
        at = parent;
      }
    },
    pop() {
      swap(0, items.length - 1);
      items.pop();
      for (let at = 0; ; ) {
        const left = at * 2 + 1;
        const right = left + 1;
        let least = at;
        if (left < items.length && before(items[left]!, items[least]!)) least = left;
        if (right < items.length && before(items[right]!, items[least]!)) least = right;
        if (least === at) break;
        swap(at, least);
        at = least;
      }
    },
  };
}
