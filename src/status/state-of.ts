import { missesTarget } from './expected.ts';
import type { Status } from './schema.ts';

/**
 * The part of a status whose change is news, as text to compare: everything except the time and the amounts
 * (bytes, percent, speeds, sizes, counts of chats) that move by themselves.
 */
export function stateOf(status: Status): string {
  const { time: _time, uptime_seconds: _uptime, ...rest } = status;
  return JSON.stringify({
    ...rest,
    progress: status.progress.phase,
    model: {
      ...status.model,
      download: null,
      load: status.model.load.phase,
    },
    services: Object.entries(status.services).map(([name, view]) => [
      name,
      { ...view, pull: view.pull !== null },
    ]),
    chat: { ...status.chat, size_bytes: null, session_count: null, last_message_at: null },
    host: { ...status.host, gpus: null, disks: null },
    deployment: {
      ...status.deployment,
      expected_seconds: missesTarget(status.deployment),
      phases: status.deployment.phases.map(({ name, state }) => [name, state]),
    },
  });
}
