import type { Finding, Problem } from '../status/problem.ts';
import type { DownloadStatus, DownloadView, ModelView } from '../status/schema.ts';
import type { ModelFacts } from './model-facts.ts';

/** A model as asked for: validated id and revision. */
export interface ModelIdentifier {
  /** `org/name`. */
  id: string;
  organisation: string;
  name: string;
}

/** One file of a model as the hub lists it; validated. */
export interface HubFile {
  /** Relative path inside the snapshot; no `..`, NUL, backslash, or leading slash. */
  path: string;
  sizeBytes: number;
  /** Name of its blob in the cache: sha256 (64 hex) of large files, git sha1 (40 hex) of small ones. */
  etag: string;
  hash: { algorithm: 'sha256' | 'git-sha1'; hex: string };
}

/** A model resolved to one commit and the files of one weight set. */
export interface ResolvedModel {
  identifier: ModelIdentifier;
  /** 40 hex. */
  commit: string;
  files: HubFile[];
  /** The branch or tag that was asked for; readers of the cache look it up. Absent: `main`. */
  revision?: string;
}

/** A resolved model with what it says of itself. */
export interface ExaminedModel extends ResolvedModel {
  facts: ModelFacts;
}

/** What the model room tells the rest, after every change. */
export interface ModelSnapshot {
  modelIdentifier: string | null;
  revision: string | null;
  downloadStatus: DownloadStatus;
  download: DownloadView;
  /** True when every file of the weight set is verified and the snapshot and ref are in place. */
  complete: boolean;
  /** When a transient failure is retried (RFC 3339), else null. */
  nextRetryAt: string | null;
  /** How the model goes into the memory of this machine; null while nothing is known. */
  memoryFit: ModelView['memory_fit'] | null;
  problem: Problem | null;
}

/** A failure of this room that has a name. */
export class ModelError extends Error {
  readonly finding: Finding;
  /** Seconds that were asked to wait (Retry-After), or null. */
  readonly retryAfterSeconds: number | null;
  /** Who asked for that wait. */
  readonly waitFor: 'hub' | 'file-host';
  constructor(
    finding: Finding,
    retryAfterSeconds: number | null = null,
    waitFor: ModelError['waitFor'] = 'hub',
  ) {
    super(finding.detail);
    this.name = 'ModelError';
    this.finding = finding;
    this.retryAfterSeconds = retryAfterSeconds;
    this.waitFor = waitFor;
  }
}
