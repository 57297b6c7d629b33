import type { PartDisk } from '../../src/model/download/part-disk.ts';

/** A disk of one partial file and its journal on which every call takes as long as the test wants. */
export interface SimulatedDisk {
  disk: PartDisk;
  /** Power fails: of what was not synced, `survives` decides for each write and journal line whether it is there. */
  crash(survives: () => boolean): { content: Uint8Array; journal: string };
}

/** When a call begins or ends is up to `step`; a call that began before a crash does nothing after it. */
export function simulatedDisk(
  before: { content: Uint8Array; journal: string },
  step: (name: string) => Promise<unknown>,
): SimulatedDisk {
  const durable = Uint8Array.from(before.content);
  let journal = before.journal;
  let pendingJournal: string[] = [];
  let pending: { position: number; bytes: Uint8Array }[] = [];
  const land = ({ position, bytes }: { position: number; bytes: Uint8Array }) => durable.set(bytes, position);
  return {
    disk: {
      async write(buffers, position) {
        await step('write begins');
        pending.push({ position, bytes: Buffer.concat(buffers) });
        await step('write ends');
      },
      async sync() {
        const covered = pending;
        await step('sync');
        for (const write of covered) land(write);
        pending = pending.filter((write) => !covered.includes(write));
      },
      async appendJournal(text) {
        await step('journal begins');
        pendingJournal.push(text);
        await step('journal ends');
      },
      close: async () => {},
    },
    crash(survives) {
      for (const write of pending) if (survives()) land(write);
      pending = [];
      for (const line of pendingJournal) {
        // An append that is under way may be torn anywhere; nothing after it is there.
        if (survives()) {
          journal += line;
          continue;
        }
        if (survives()) journal += line.slice(0, Math.floor(line.length / 2));
        break;
      }
      pendingJournal = [];
      return { content: durable, journal };
    },
  };
}
