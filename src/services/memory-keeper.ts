import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { StateSection } from '../lib/state-store.ts';
import { newServiceMemory, type ServiceMemory, type ServicesMemory } from './memory.ts';

/** The room's part of the state file, changed in memory at once and written when the steps have left. */
export interface MemoryKeeper {
  /** A fresh memory for a service that was never seen. */
  of(service: string): ServiceMemory;
  set(service: string, memory: ServiceMemory): void;
  forget(service: string): void;
  readonly bootId: string | null;
  setBootId(bootId: string): void;
  /**
   * Writes what changed; resolves when it is on disk or has failed. A failure is logged and shown by the store, and the next
   * call tries again.
   */
  save(): Promise<void>;
}

/** Makes a keeper over the section of the state store. */
export function createMemoryKeeper(section: StateSection<ServicesMemory>, log: Log): MemoryKeeper {
  let state = section.get();
  let dirty = false;
  let failed = false;
  let writing: Promise<void> = Promise.resolve();
  const change = (next: ServicesMemory) => {
    state = next;
    dirty = true;
  };
  return {
    of: (service) => state.services[service] ?? newServiceMemory(),
    set(service, memory) {
      if (state.services[service] === memory) return;
      change({ ...state, services: { ...state.services, [service]: memory } });
    },
    forget(service) {
      if (!Object.hasOwn(state.services, service)) return;
      const { [service]: _gone, ...services } = state.services;
      change({ ...state, services });
    },
    get bootId() {
      return state.bootId;
    },
    setBootId(bootId) {
      if (state.bootId !== bootId) change({ ...state, bootId });
    },
    save() {
      if (!dirty) return writing;
      dirty = false;
      writing = section.set(state).then(
        () => {
          failed = false;
        },
        (error: unknown) => {
          dirty = true;
          if (!failed) log.warn(`the state of the services could not be written: ${errorMessage(error)}`);
          failed = true;
        },
      );
      return writing;
    },
  };
}
