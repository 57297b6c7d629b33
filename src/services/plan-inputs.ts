import type { StopReason } from './step.ts';
import type { Gates } from './types.ts';

/** What is known of a service beside what the engine shows. */
export interface KnownService {
  wanted: boolean;
  /** A fatal cause stands: no start until something changes. */
  failed: boolean;
  /** Monotonic time before which it is not started. */
  notBefore: number;
  /** It was ready in this run: stop it gently. */
  serving: boolean;
  /** It ran before: the order of start is behind it. */
  started: boolean;
  /** The engine's view of it is not certain: ask first. */
  uncertain: boolean;
  /** A user wants a new run of it. */
  restartRequested: boolean;
  /** A run that must be ended because it hangs. */
  doomed: { containerId: string; reason: StopReason; cause: string } | null;
  /** Why its container must be made anew though the file did not change. */
  recreate: string | null;
  /** Its exit code 0 is its purpose, and it has ended with it. */
  completed: boolean;
  /** Its last exit in words; '' when there is none on record. */
  lastExit: string;
}

/** Whether an image is there: `refresh` means there, but to be pulled once more (`pull_policy: always`). */
export type ImageKnowledge = 'present' | 'missing' | 'refresh';

/** What the plan needs to know, as values. */
export interface Known {
  services: Record<string, KnownService>;
  gates: Gates;
  /** By reference; absent: not asked yet. */
  images: Record<string, ImageKnowledge>;
  /** Null: not asked yet. */
  networks: ReadonlySet<string> | null;
  volumes: ReadonlySet<string> | null;
  /** Services that are ready now, for `depends_on: {condition: service_healthy}`. */
  ready: ReadonlySet<string>;
  /** Monotonic time before which a lane is not used again after a failure. */
  retryAt: Record<string, number>;
}
