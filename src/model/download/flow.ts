import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { HubFiles } from '../hub-files.ts';
import type { HubFile, ResolvedModel } from '../types.ts';
import type { Claims } from './claims.ts';
import type { FileStore } from './file-store.ts';
import type { FileTrack } from './file-track.ts';
import type { Flights } from './flights.ts';
import type { Limiter } from './limiter.ts';
import type { Pace } from './pace.ts';
import type { Rest } from './rest.ts';
import type { Resting } from './retry.ts';

/** What a transfer needs. */
export interface Transfer {
  hub: Pick<HubFiles, 'fetchRange' | 'hasAddress' | 'forgetAddress'>;
  store: FileStore;
  clock: Clock;
  log: Log;
  limiter: Limiter;
  silenceLimitMs: number;
  model: ResolvedModel;
  /** Told after each change: bytes of the file that are there, and how many of them just came over the network. */
  onBytes(file: HubFile, present: number, received: number): void;
  /** Told when the file has its name. */
  onVerified(file: HubFile): void;
}

/** A transfer under way: what its connections share. */
export interface Flow extends Transfer {
  tracks: readonly FileTrack[];
  flights: Flights;
  pace: Pace;
  claims: Claims;
  /** What keeps every file from being begun, or every one that the hub has to name the address of. */
  rests: Record<Exclude<Resting, 'file'>, Rest>;
  /** Aborts when the transfer ends, for whatever reason. */
  signal: AbortSignal;
  /** Looks again what there is to do after so long. */
  lookAgainAfter(ms: number): void;
}
