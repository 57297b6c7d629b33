import { formatDuration } from '../lib/human.ts';
import type { Finding } from '../status/problem.ts';
import type { GpuFacts } from './gpu.ts';
import type { GpuReading, ToolRun } from './gpu-reader.ts';
import type { XidEvent } from './kernel-log.ts';
import { xidRow } from './xid.ts';

/** An XID of the hardware counts so long where the driver does not say itself whether the GPU needs a recovery. */
const XID_COUNTS_SECONDS = 600;

/** Names what nvidia-smi said when it failed; null: words without a name. Given by the room that knows log wordings. */
export type ExplainOutput = (output: string, exitCode: number | null) => Finding | null;

/** The worst that is wrong with the GPUs of the machine; null when nothing is. `uptimeSeconds` is since boot. */
export function gpuFinding(
  reading: GpuReading,
  xids: readonly XidEvent[],
  uptimeSeconds: number,
  explain: ExplainOutput,
): Finding | null {
  const broken = (reading.gpus ?? []).find((gpu) => gpu.rowRemapFailed === true);
  if (broken !== undefined) {
    return {
      code: 'gpu_hardware_error',
      detail: `${nameOf(broken)}: a bad row of its memory could not be replaced`,
    };
  }
  const asking = (reading.gpus ?? []).find((gpu) => gpu.recoveryAction !== null);
  const event = lastHardwareXid(xids);
  if (asking !== undefined) {
    const cause = event === null ? '' : ` after ${describeXid(event)}`;
    return {
      code: 'gpu_needs_reset',
      detail: `${nameOf(asking)}: the driver asks for "${asking.recoveryAction}"${cause}`,
    };
  }
  if (reading.failure !== null && reading.gpus === null) {
    return event === null ? failureFinding(reading.failure, explain) : xidFinding(event);
  }
  const age = event?.atSeconds == null ? null : uptimeSeconds - event.atSeconds;
  if (event === null || age === null || age > XID_COUNTS_SECONDS) return null;
  const { code, detail } = xidFinding(event);
  return { code, detail: `${detail}, ${formatDuration(age)} ago` };
}

function failureFinding(run: ToolRun, explain: ExplainOutput): Finding {
  switch (run.outcome) {
    case 'hung':
      return { code: 'gpu_tool_failed', detail: 'nvidia-smi did not answer within 5 s and was ended' };
    case 'missing':
      return {
        code: 'gpu_driver_missing',
        detail: 'the machine has an NVIDIA GPU, but nvidia-smi is not installed',
      };
    case 'not_startable':
      return { code: 'gpu_tool_failed', detail: `nvidia-smi cannot be started: ${run.output.slice(0, 200)}` };
    case 'ended': {
      const known = explain(run.output, run.exitCode);
      if (known !== null) return known;
      const words = run.output.trim().split('\n').at(-1)?.slice(0, 200) || 'without a word';
      return { code: 'gpu_tool_failed', detail: `nvidia-smi ended with ${run.exitCode}: ${words}` };
    }
  }
}

/** XIDs of programs are no problem of the machine; those that follow from others do not name the cause. */
function lastHardwareXid(xids: readonly XidEvent[]): XidEvent | null {
  return (
    xids.findLast(({ xid }) => {
      const row = xidRow(xid);
      return row.code !== null && row.code !== 'gpu_fault' && row.secondary !== true;
    }) ?? null
  );
}

function xidFinding(event: XidEvent): Finding {
  return { code: xidRow(event.xid).code ?? 'gpu_needs_reset', detail: describeXid(event) };
}

function describeXid({ xid, pciBusId }: XidEvent): string {
  return `XID ${xid} of the GPU at ${pciBusId}: ${xidRow(xid).meaning}`;
}

function nameOf(gpu: GpuFacts): string {
  return `GPU ${gpu.index ?? '?'} (${gpu.name ?? gpu.uuid ?? 'unknown'})`;
}
