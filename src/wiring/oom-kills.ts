import type { KernelLog, OomKillEvent } from '../host/kernel-log.ts';
import type { Clock } from '../lib/clock.ts';

/** Kills kept in mind; a container that is killed in a loop reports many. */
const MAXIMUM_EVENTS = 200;
/** A kill explains the exit of its container that follows within this time: vLLM notices a dead process after 5 s at the latest. */
const EXPLAINS_MS = 60_000;

/** Asks the kernel whether it ended a process of a container for want of memory. */
export interface OomKills {
  /** Whether that happened just before `exitAt` (RFC 3339). False where the kernel's log may not be read. */
  explains(containerId: string, exitAt: string): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Makes it. The engine tells of such kills only where the first process of the container was hit, and not on every system: of a
 * worker that was killed it may know nothing.
 */
export function createOomKills(parts: {
  kernelLog: KernelLog;
  /** Seconds since boot, as the kernel counts them. */
  uptimeSeconds(): number;
  clock: Pick<Clock, 'now'>;
}): OomKills {
  let kills: OomKillEvent[] = [];
  return {
    async explains(containerId, exitAt) {
      const news = (await parts.kernelLog.poll()) ?? [];
      kills = [...kills, ...news.filter((event) => event.kind === 'oom_kill')].slice(-MAXIMUM_EVENTS);
      const bootMs = parts.clock.now().getTime() - parts.uptimeSeconds() * 1_000;
      const exitMs = Date.parse(exitAt);
      return kills.some((event) => {
        if (event.containerId !== containerId || event.atSeconds === null) return false;
        const agoMs = exitMs - (bootMs + event.atSeconds * 1_000);
        return agoMs <= EXPLAINS_MS && agoMs >= -EXPLAINS_MS;
      });
    },
    close: () => parts.kernelLog.close(),
  };
}
