import { xidRow } from '../host/xid.ts';
import { formatBytes } from '../lib/human.ts';
import type { ProblemCode } from '../status/problem-table.ts';
import type { Diagnosis, HostFacts } from './types.ts';

/** What a failing GPU looks like to a program, and what only says that something has ended. */
const EXPLAINED_BY_XID: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'gpu_fault',
  'gpu_missing',
  'gpu_access_lost',
  'gpu_communication_failed',
  'engine_dead',
  'process_crashed',
  'process_killed',
  'unknown_failure',
]);

/** Users of a GPU that are named; a shared machine may have many. */
const USERS_NAMED = 3;

/**
 * The cause that the log tells, with what the host knows of it: a fault of the GPU goes before what a program saw of it, and who
 * else holds its memory is said. A log that names another cause is believed. Pure.
 */
export function withHostFacts(found: Diagnosis | null, { xids, gpuUsers }: HostFacts): Diagnosis | null {
  if (found === null || EXPLAINED_BY_XID.has(found.code)) return withXid(found, xids);
  const shared = found.code === 'gpu_memory_busy' || found.code === 'gpu_out_of_memory';
  return shared && gpuUsers !== null && gpuUsers.length > 0 ? withUsers(found, gpuUsers) : found;
}

function withXid(found: Diagnosis | null, xids: HostFacts['xids']): Diagnosis | null {
  const told = xids.map((event) => ({ event, row: xidRow(event.xid) }));
  const causes = told.filter(({ row }) => row.code !== null && row.secondary !== true);
  const [cause] = [...causes.filter(({ row }) => row.code !== 'gpu_fault'), ...causes];
  if (cause === undefined || cause.row.code === null) return found;
  const { event, row } = cause;
  const words = `XID ${event.xid} of the GPU at ${event.pciBusId}: ${row.meaning}`;
  const seen = found === null || found.detail === '' ? '' : `; the program says: ${found.detail}`;
  // The program's own words name its fault better than the number does.
  if (found?.code === 'gpu_fault' && row.code === 'gpu_fault') {
    return { ...found, detail: `${found.detail} (${words})` };
  }
  return {
    code: cause.row.code,
    signature: null,
    class: null,
    detail: `${words}${seen}`,
    remedy: null,
    line: event.message,
    values: {},
  };
}

function withUsers(found: Diagnosis, users: NonNullable<HostFacts['gpuUsers']>): Diagnosis {
  const names = users.slice(0, USERS_NAMED).map(({ pid, name, memoryBytes }) => {
    const amount = memoryBytes === null ? '' : ` with ${formatBytes(memoryBytes)}`;
    return `${name ?? 'a process'}${pid === null ? '' : ` (process ${pid})`}${amount}`;
  });
  const more = users.length > USERS_NAMED ? ` and ${users.length - USERS_NAMED} more` : '';
  const others = `${names.join(', ')}${more}`;
  return {
    ...found,
    detail: `${found.detail}; others use the GPU: ${others}`,
    remedy: `Stop what else uses the GPU: ${others}. Then: ai-sandbox restart SERVICE.`,
  };
}
