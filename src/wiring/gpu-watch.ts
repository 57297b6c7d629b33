import { diagnose } from '../diagnosis/diagnose.ts';
import { gpuView } from '../host/gpu.ts';
import { type ExplainOutput, gpuFinding } from '../host/gpu-problem.ts';
import type { GpuReader, GpuReading } from '../host/gpu-reader.ts';
import type { KernelLog, XidEvent } from '../host/kernel-log.ts';
import { xidRow } from '../host/xid.ts';
import { type Clock, toTimestamp } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { carryProblem, type Finding, type Problem } from '../status/problem.ts';
import type { GpuView } from '../status/schema.ts';

/** Between two looks at a machine that has a GPU: a look starts nvidia-smi twice. */
const LOOK_INTERVAL_MS = 30_000;
/** Kernel events kept; a GPU that fails reports thousands. */
const MAXIMUM_EVENTS = 200;

/** What the machine's GPUs do, seen from the host. */
export interface GpuWatch {
  /** Empty: the machine has none. Null: not known. */
  gpus(): GpuView[] | null;
  problem(): Problem | null;
  /** Looks again now: a driver has come, or is not awaited any more. */
  lookSoon(): void;
  /** Looks from time to time until `signal` aborts. Never rejects. */
  run(signal: AbortSignal, onChange: () => void): Promise<void>;
}

/** Makes the watch. Without a GPU it starts no process; the kernel log is read all the same. */
export function createGpuWatch(parts: {
  reader: GpuReader;
  kernelLog: KernelLog;
  /** Seconds since boot. */
  uptimeSeconds(): number;
  /** A service uses the GPU, and nobody is still installing its driver: what is wrong with it is a problem. */
  matters(): boolean;
  /** The installer has set the machine up for its processor, and nobody has said that this is wanted: no GPU is a problem. */
  missed(): boolean;
  clock: Clock;
  log: Log;
}): GpuWatch {
  const { reader, kernelLog, clock, log } = parts;
  let reading: GpuReading | null = null;
  let standing: Problem | null = null;
  let xids: XidEvent[] = [];
  let wake = new AbortController();

  const timeOf = (atSeconds: number | null): string => {
    const agoMs = atSeconds === null ? 0 : Math.max(0, parts.uptimeSeconds() - atSeconds) * 1000;
    return toTimestamp(new Date(clock.now().getTime() - agoMs));
  };
  const take = (events: Awaited<ReturnType<KernelLog['poll']>>): void => {
    for (const event of events ?? []) {
      if (event.kind !== 'xid') continue;
      xids = [...xids, event].slice(-MAXIMUM_EVENTS);
      // At the first look the log goes back to the boot of the machine: that was told then.
      if (reading !== null)
        log.warn(`XID ${event.xid} of the GPU at ${event.pciBusId}: ${xidRow(event.xid).meaning}`);
    }
  };
  const findingOf = (now: GpuReading): Finding | null => {
    if (parts.matters()) return gpuFinding(now, xids, parts.uptimeSeconds(), explainOutput);
    return parts.missed() && now.gpus?.length === 0
      ? { code: 'gpu_absent', detail: 'no NVIDIA GPU on the PCI bus' }
      : null;
  };
  const look = async (): Promise<void> => {
    const [now, events] = await Promise.all([reader.read(), kernelLog.poll()]);
    take(events);
    reading = now;
    // What stood while the driver was awaited says nothing about the time after it.
    standing = carryProblem(standing, findingOf(now), clock);
  };

  return {
    gpus() {
      if (reading?.gpus == null) return null;
      return reading.gpus.map((gpu) => {
        const last = xids.findLast((event) => sameBus(event.pciBusId, gpu.pciBusId));
        return gpuView(
          gpu,
          last === undefined
            ? null
            : { code: last.xid, at: timeOf(last.atSeconds), meaning: xidRow(last.xid).meaning },
        );
      });
    },
    problem: () => (parts.matters() || parts.missed() ? standing : null),
    lookSoon: () => wake.abort(),
    async run(signal, onChange) {
      while (!signal.aborted) {
        wake = new AbortController();
        await look();
        onChange();
        const either = AbortSignal.any([signal, wake.signal]);
        await clock.sleep(LOOK_INTERVAL_MS, either).catch(() => undefined);
      }
      await kernelLog.close();
    },
  };
}

/** What nvidia-smi said when it failed, by the signatures of the NVIDIA family. */
const explainOutput: ExplainOutput = (output, exitCode) => {
  const found = diagnose({ log: output.split('\n'), exitCode, oomKilled: false, engineError: null });
  if (found === null || found.code === 'unknown_failure') return null;
  return {
    code: found.code,
    detail: `nvidia-smi: ${found.detail}`,
    ...(found.remedy === null ? {} : { remedy: found.remedy }),
  };
};

/** The kernel writes `0000:01:00`, nvidia-smi `00000000:01:00.0`. */
function sameBus(kernel: string, smi: string | null): boolean {
  const short = (id: string) =>
    id
      .toLowerCase()
      .replace(/\.\d$/, '')
      .split(':')
      .map((part) => part.replace(/^0+(?=.)/, ''))
      .join(':');
  return smi !== null && short(kernel) === short(smi);
}
