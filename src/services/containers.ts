import type { ObservedContainer } from '../docker/engine.ts';

interface Entry {
  container: ObservedContainer;
  /** Read from the engine since it was last changed by an event or a step. */
  sampled: boolean;
  /** Count of changes when this one was last changed. */
  changedAt: number;
}

/** Removed containers that are kept in mind against late answers. */
const REMOVED_KEPT = 100;

/** A point in the order of changes, taken when a question to the engine leaves. */
type Mark = number;

/**
 * The containers as last known: answers of the engine, and what events and our own calls changed since.
 * An answer that was on its way while something changed does not overwrite the change.
 */
export interface Containers {
  all(): ObservedContainer[];
  /** Another number whenever anything was taken, changed, added or removed. */
  version(): number;
  get(id: string): ObservedContainer | undefined;
  /** False while an event or call has changed it and the engine has not been asked since. */
  isSampled(id: string): boolean;
  /** Take this before asking the engine. */
  mark(): Mark;
  /** Counts something that no answer asked for before now can know; returns its place in the order. */
  touch(): Mark;
  /** Takes a whole list; returns whether every entry could be taken. */
  takeList(list: readonly ObservedContainer[], asked: Mark): boolean;
  /** Takes the answer for one container; null: it is gone. False when it changed meanwhile. */
  takeOne(id: string, answer: ObservedContainer | null, asked: Mark): boolean;
  /** What an event or a call of ours says about a container. */
  change(id: string, fields: Partial<ObservedContainer>): void;
  add(container: ObservedContainer): void;
  remove(id: string): void;
}

/** Makes an empty store. */
export function createContainers(): Containers {
  const entries = new Map<string, Entry>();
  /** When a container was last removed, so that an old answer does not bring it back. */
  const removed = new Map<string, number>();
  let changes = 0;
  let version = 0;
  const changedSince = (id: string, asked: Mark) =>
    Math.max(entries.get(id)?.changedAt ?? 0, removed.get(id) ?? 0) > asked;
  const take = (container: ObservedContainer) => {
    version += 1;
    entries.set(container.id, {
      container,
      sampled: true,
      changedAt: entries.get(container.id)?.changedAt ?? 0,
    });
  };
  const drop = (id: string) => {
    version += 1;
    entries.delete(id);
    removed.set(id, ++changes);
  };
  return {
    version: () => version,
    all: () => [...entries.values()].map((entry) => entry.container),
    get: (id) => entries.get(id)?.container,
    isSampled: (id) => entries.get(id)?.sampled ?? false,
    mark: () => changes,
    touch: () => ++changes,
    takeList(list, asked) {
      let complete = true;
      const ids = new Set(list.map((container) => container.id));
      for (const container of list) {
        if (changedSince(container.id, asked)) complete = false;
        else take(container);
      }
      for (const id of entries.keys()) {
        if (ids.has(id)) continue;
        if (changedSince(id, asked)) complete = false;
        else {
          version += 1;
          entries.delete(id);
        }
      }
      for (const id of [...removed.keys()].slice(0, -REMOVED_KEPT)) removed.delete(id);
      return complete;
    },
    takeOne(id, answer, asked) {
      if (changedSince(id, asked)) return false;
      if (answer === null) drop(id);
      else take(answer);
      return true;
    },
    change(id, fields) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      version += 1;
      entries.set(id, {
        container: { ...entry.container, ...fields },
        sampled: false,
        changedAt: ++changes,
      });
    },
    add(container) {
      version += 1;
      removed.delete(container.id);
      entries.set(container.id, { container, sampled: false, changedAt: ++changes });
    },
    remove: drop,
  };
}
