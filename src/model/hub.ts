import { createHubFiles, type HubFiles } from './hub-files.ts';
import { resolveModel } from './hub-resolve.ts';
import { createHubSession, type SessionOptions } from './hub-session.ts';
import type { ExaminedModel, ModelIdentifier } from './types.ts';

/** A model hub: what it has, and the bytes of its files. Every failure with a name is a {@link ModelError}. */
export interface Hub extends Pick<HubFiles, 'fetchRange' | 'hasAddress' | 'forgetAddress'> {
  /**
   * Pins the revision to a commit, checks that its files may be fetched, chooses the files of one weight set, and reads
   * what the model says of itself.
   */
  resolve(identifier: ModelIdentifier, revision: string, signal: AbortSignal): Promise<ExaminedModel>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

/**
 * A hub over HTTP. It is asked only `/api/models/{id}/revision/{rev}`, `/api/models/{id}/tree/{commit}`,
 * `/{id}/resolve/{commit}/{path}`, and `/api/whoami-v2` when it refuses a token: mirrors offer little more.
 */
export function createHub(options: SessionOptions): Hub {
  const session = createHubSession(options);
  const files = createHubFiles(session);
  return {
    fetchRange: files.fetchRange,
    hasAddress: files.hasAddress,
    forgetAddress: files.forgetAddress,
    resolve: (identifier, revision, signal) => resolveModel(session, files, identifier, revision, signal),
    close: session.close,
  };
}
