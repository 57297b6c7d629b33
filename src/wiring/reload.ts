import type { Log } from '../lib/log.ts';
import type { SettingsChange } from '../settings-reload.ts';
import { problemRecord } from '../status/problem-record.ts';
import type { Publisher } from '../status/publisher.ts';
import type { DesiredStateKeeper } from './desired-state.ts';

/**
 * Makes the reload of the daemon: settings, hub token and compose file are read again and the status is published. It rejects
 * with what is not in force, one line each, after telling it.
 */
export function createReload(parts: {
  reloadSettings(): Promise<SettingsChange>;
  refreshToken(): Promise<unknown>;
  desired: Pick<DesiredStateKeeper, 'reload' | 'problems'>;
  publisher: Pick<Publisher, 'publish'>;
  log: Log;
  /** The same, for problems that are told here and nowhere else. */
  journal: Pick<Log, 'error'>;
}): () => Promise<void> {
  const { desired, log } = parts;
  return async () => {
    const { applied, complaints } = await parts.reloadSettings();
    await parts.refreshToken();
    await desired.reload();
    await parts.publisher.publish();
    const all = [...complaints, ...desired.problems().map(({ title, detail }) => `${title}: ${detail}`)];
    log.info(
      `settings, hub token and compose file were read again; settings that changed: ${applied.join(', ') || 'none'}`,
    );
    if (all.length === 0) return;
    parts.journal.error(problemRecord({ code: 'reload_failed', detail: all.join('; ') }));
    throw new Error(all.join('\n'));
  };
}
