import type { HostFacts } from '../diagnosis/types.ts';
import type { GpuReader } from '../host/gpu-reader.ts';
import type { KernelLog, XidEvent } from '../host/kernel-log.ts';
import type { Clock } from '../lib/clock.ts';

/** Kernel events kept in mind; a GPU that fails reports thousands. */
const MAXIMUM_EVENTS = 200;
/** The engine notes the start of a container a moment late, and kernel and wall clock drift apart. */
const START_MARGIN_MS = 5_000;

/** What the machine knows of its GPUs, asked when a run that used them has failed. */
export interface GpuEvidence {
  /** About a run that began then (RFC 3339; null: not known). Null where the service uses no GPU. Never rejects. */
  about(startedAt: string | null): Promise<HostFacts | null>;
  close(): Promise<void>;
}

/** Makes it; `kernelLog` is its own, because what one reader has taken another does not get. */
export function createGpuEvidence(parts: {
  reader: GpuReader;
  kernelLog: KernelLog;
  /** Seconds since boot, as the kernel counts them. */
  uptimeSeconds(): number;
  needed(): boolean;
  clock: Pick<Clock, 'now'>;
}): GpuEvidence {
  let xids: XidEvent[] = [];
  return {
    async about(startedAt) {
      if (!parts.needed()) return null;
      const [reading, events] = await Promise.all([
        parts.reader.read(),
        parts.kernelLog.poll().catch(() => null),
      ]);
      xids = [...xids, ...(events ?? []).filter((event) => event.kind === 'xid')].slice(-MAXIMUM_EVENTS);
      const bootMs = parts.clock.now().getTime() - parts.uptimeSeconds() * 1_000;
      const sinceMs = Date.parse(startedAt ?? '') - START_MARGIN_MS;
      const users = (reading.gpus ?? []).flatMap((gpu) => gpu.users ?? []);
      return {
        xids: xids.filter(({ atSeconds }) => atSeconds !== null && bootMs + atSeconds * 1_000 >= sinceMs),
        gpuUsers: (reading.gpus ?? []).some((gpu) => gpu.users !== null) ? users : null,
      };
    },
    close: () => parts.kernelLog.close(),
  };
}
