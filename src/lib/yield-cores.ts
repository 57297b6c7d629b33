import { setPriority } from 'node:os';

/**
 * Lets others go before the calling thread (setpriority(2): on Linux the niceness is of a thread, not of its process).
 * Where the sandbox of the unit forbids it, they share.
 */
export function yieldCores(niceness: number): void {
  try {
    setPriority(0, niceness);
  } catch {
    // Work is done at any priority.
  }
}
