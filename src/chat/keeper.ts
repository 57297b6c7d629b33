import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { carryProblem, type Problem } from '../status/problem.ts';
import type { ChatView } from '../status/schema.ts';
import { createDatabaseLook, type LookIntoDatabase } from './database.ts';
import type { LookMode } from './database-answer.ts';
import { stampOf, statDatabase } from './database-file.ts';
import { inspectDirectory } from './directory.ts';
import type { Cron } from './nightly.ts';
import { assessChats, CHAT_DATABASE, type ChatFacts, type ChatMount, chatView } from './persistence.ts';

/** How often counts, space and rights are looked at; the database only when it has been written to. */
const REFRESH_MS = 60_000;

/** The full check: when few people chat. */
const NIGHTLY = '30 3 * * *';

/** A check without a result is tried again at the next refreshes, at most this often in a row. */
const MAXIMUM_ATTEMPTS = 5;

/** Watches over the chats. Reads only. */
export interface ChatKeeper {
  /** Tells what is mounted at the data directory, as inspect shows it; the same again is no news. */
  setMount(mount: ChatMount): void;
  /** Tells whether the chat page is ready: it has made or migrated its database by then. */
  setPageReady(ready: boolean): void;
  /** Asks for a full check as soon as possible: after an unclean exit of the chat service. */
  checkSoon(): void;
  snapshot(): ChatView;
  /** True once the chats have been looked at, whatever was found. */
  checked(): boolean;
  /** Calls `listener` after every change of the snapshot; returns what ends that. */
  onChange(listener: () => void): () => void;
  /** Works until `signal` aborts; resolves then. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Parts of {@link createChatKeeper}; what is optional is there for tests. */
export interface ChatKeeperParts {
  clock: Clock;
  log: Log;
  cron: Cron;
  look?: LookIntoDatabase;
  inspect?: typeof inspectDirectory;
}

/** Makes the keeper; nothing is looked at before {@link ChatKeeper.run} and the first mount. */
export function createChatKeeper(parts: ChatKeeperParts): ChatKeeper {
  const { clock, log, cron, look = createDatabaseLook({ clock }), inspect = inspectDirectory } = parts;
  const listeners = new Set<() => void>();
  let facts: ChatFacts = {
    mount: null,
    directory: null,
    database: null,
    sizeBytes: null,
    pageReady: false,
  };
  let problem: Problem | null = null;
  let shown = chatView(facts, null);
  let tried = false;
  let checkDue = true;
  let attempts = 0;
  let stamp: string | null = null;
  let wake = new AbortController();

  const notify = () => {
    for (const listener of listeners) listener();
  };
  const change = (part: Partial<ChatFacts>) => {
    facts = { ...facts, ...part };
    const { state, finding } = assessChats(facts);
    problem = carryProblem(problem, finding, clock);
    const next = chatView(facts, problem);
    if (JSON.stringify(next) === JSON.stringify(shown)) return;
    if (state !== shown.persistence_state && state !== null) {
      const reason = problem === null ? '' : ` (${problem.title}: ${problem.detail})`;
      log[problem === null ? 'info' : 'warn'](`chats: ${state}${reason}`, { event: 'chat_state' });
    }
    shown = next;
    notify();
  };
  const requestCheck = () => {
    checkDue = true;
    attempts = 0;
    wake.abort();
  };

  const markTried = () => {
    if (tried) return;
    tried = true;
    notify();
  };

  const lookInto = async (path: string, mode: LookMode, signal: AbortSignal) => {
    // Taken before the look: what is asked for during it wants another one.
    if (mode === 'check') checkDue = false;
    const answer = await look(path, mode, signal);
    if (signal.aborted || path !== databasePath(facts.mount)) return;
    if (answer.kind === 'inconclusive') {
      log.info(`the chat database gave no answer, the last one stands: ${answer.detail}`, {
        event: 'chat_look',
      });
      if (mode === 'check') attempts += 1;
      checkDue ||= mode === 'check' && attempts < MAXIMUM_ATTEMPTS;
      stamp = null;
    } else {
      change({ database: answer });
    }
    markTried();
  };
  const refresh = async (signal: AbortSignal) => {
    const { mount } = facts;
    const database = databasePath(mount);
    if (mount?.path === null || mount?.path === undefined || database === null) return;
    const directory = await inspect(mount.path);
    if (databasePath(facts.mount) !== database) return;
    const files = await statDatabase(database);
    const nextStamp = stampOf(files);
    const sizeBytes = files.file === null ? null : files.file.size + (files.wal?.size ?? 0);
    change({ directory, sizeBytes });
    const written = nextStamp !== stamp;
    // Damage is not taken back by counting: only a whole check of a changed file does that.
    const mode = checkDue || facts.database?.kind === 'damaged' ? 'check' : 'count';
    if (!checkDue && !written) return;
    stamp = nextStamp;
    await lookInto(database, mode, signal);
  };

  return {
    setMount: (mount) => {
      if (JSON.stringify(mount) === JSON.stringify(facts.mount)) return;
      const moved = mount.path !== facts.mount?.path;
      if (moved) tried = false;
      change(moved ? { mount, directory: null, database: null, sizeBytes: null } : { mount });
      requestCheck();
    },
    setPageReady: (ready) => {
      if (ready === facts.pageReady) return;
      // That there was none before says nothing now.
      const stale = ready && facts.database?.kind === 'missing';
      change({ pageReady: ready, ...(stale ? { database: null } : {}) });
      if (ready) requestCheck();
    },
    checkSoon: requestCheck,
    snapshot: () => shown,
    checked: () => facts.mount !== null && (!facts.mount.mounted || tried),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    run: async (signal) => {
      const nightly = cron(NIGHTLY, requestCheck);
      try {
        while (!signal.aborted) {
          wake = new AbortController();
          await refresh(signal).catch((error: unknown) => {
            log.warn(`the chats cannot be looked at: ${errorMessage(error)}`, { event: 'chat_look' });
            markTried();
          });
          await clock.sleep(REFRESH_MS, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
        }
      } finally {
        nightly.stop();
      }
    },
  };
}

function databasePath(mount: ChatMount | null): string | null {
  return mount === null || mount.path === null ? null : join(mount.path, CHAT_DATABASE);
}
