import { createHubFiles, type HubFiles } from './hub-files.ts';
import { resolveModel } from './hub-resolve.ts';
import { createHubSession, type SessionOptions } from './hub-session.ts';
import type { ModelIdentifier, ResolvedModel } from './types.ts';

/** A model hub: what it has, and the bytes of its files. Every failure with a name is a {@link ModelError}. */
export interface Hub extends Pick<HubFiles, 'fetchRange' | 'forgetAddress'> {
  /** Pins the revision to a commit, checks that its files may be fetched, and chooses the files of one weight set. */
  resolve(identifier: ModelIdentifier, revision: string, signal: AbortSignal): Promise<ResolvedModel>;
  /** Closes idle connections. */
  close(): Promise<void>;
}

/**
 * A hub over HTTP. It is asked only `/api/models/{id}/revision/{rev}`, `/api/models/{id}/tree/{commit}` and
 * `/{id}/resolve/{commit}/{path}`: mirrors offer little more.
 */
export function createHub(options: SessionOptions): Hub {
  const session = createHubSession(options);
  const files = createHubFiles(session);
  return {
    fetchRange: files.fetchRange,
    forgetAddress: files.forgetAddress,
    resolve: (identifier, revision, signal) => resolveModel(session, files, identifier, revision, signal),
    close: session.close,
  };
}
