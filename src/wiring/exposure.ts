import { type Static, Type } from 'typebox';
import { judgePage, type PageWeakness, WEAKNESS_WORDS } from '../chat/page-access.ts';
import { CHAT_TARGET } from '../chat/persistence.ts';
import { closedToNetwork, hasApiKey, opensToNetwork } from '../compose/exposure.ts';
import type { ComposeProject, ServiceSpec } from '../compose/service-spec.ts';
import { type Clock, toTimestamp } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import type { StateSection } from '../lib/state-store.ts';
import type { Desired, ServicesSnapshot } from '../services/types.ts';
import { carryProblem, type Finding, type Problem } from '../status/problem.ts';

/** Between two looks at the page while it is not known to be safe, and once it is. */
const LOOK_INTERVAL_MS = 2_000;
const SAFE_INTERVAL_MS = 60_000;

/** Making the page anew at its wider address takes seconds; a container that is not ours is never made anew. */
const REOPEN_LIMIT_MS = 60_000;

/** Why the page is made anew, in the record of its exits. */
const OPENED = 'its page is safe now, so it is published where the compose file says';
const CLOSED = 'its page is not safe, so it is published on this machine only';

/** What is remembered of the chat page, so that a restart of the daemon does not close it again. */
export const ExposureMemorySchema = Type.Object(
  {
    /** RFC 3339 time since which an administrator is there and sign-up is off; null before. */
    page_safe_since: Type.Union([Type.String(), Type.Null()]),
    /** The directory or volume of the chats this is true for: another one has other accounts. */
    chats: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
);

/** Before the page was ever looked at. */
export const UNEXPOSED: Static<typeof ExposureMemorySchema> = { page_safe_since: null, chats: null };

/** Asks the page at an address of this machine for `/api/config`; null when it does not answer. */
export type AskPage = (address: { host: string; port: number }, signal: AbortSignal) => Promise<unknown>;

/** Decides which services are published for other machines. */
export interface Exposure {
  /** Hands what should run on to the supervisor; a service that is not safe yet is published on loopback. */
  setDesired(desired: Desired): void;
  /** Tells what runs now. */
  look(snapshot: ServicesSnapshot): void;
  /** False while the page has not been looked at, or is being made anew where the file wants it. */
  settled(): boolean;
  problems(): Problem[];
  /** Looks at the page until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Parts of {@link createExposure}. */
export interface ExposureParts {
  memory: StateSection<Static<typeof ExposureMemorySchema>>;
  ask: AskPage;
  clock: Clock;
  log: Log;
  /** Takes what should run; again whenever that is another thing because of what was seen. */
  apply(desired: Desired): void;
}

/** A run of the page that answers, and where. */
interface PageRun {
  id: string;
  address: { host: string; port: number };
  open: boolean;
}

/** `unknown`: not looked at yet. A page that runs open is then left alone; one that is made is made closed. */
type PageState = 'unknown' | 'safe' | { weakness: PageWeakness };

/**
 * Makes the guard of what the network sees. The page is published as the file says only after it has been seen with an
 * administrator and without sign-up; the API only with a key.
 */
export function createExposure(parts: ExposureParts): Exposure {
  const { clock, log, memory } = parts;
  let page: PageState = memory.get().page_safe_since === null ? 'unknown' : 'safe';
  let desired: Desired = null;
  let chats: string | null = null;
  let wanted: ServiceSpec | null = null;
  let run: PageRun | null = null;
  let reopening: { run: string; untilMs: number } | null = null;
  let signUpTold = false;
  let pageProblem: Problem | null = null;
  let apiProblem: Problem | null = null;
  let wake = new AbortController();

  const guarded = () => wanted !== null && opensToNetwork(wanted);
  const setPage = (next: PageState) => {
    page = next;
    const since = next === 'safe' ? toTimestamp(clock.now()) : null;
    memory
      .set({ page_safe_since: since, chats })
      .catch((error: unknown) => log.warn(`the state cannot be written: ${errorMessage(error)}`));
    if (next === 'safe' && run !== null && !run.open) {
      reopening = { run: run.id, untilMs: clock.monotonicMs() + REOPEN_LIMIT_MS };
    }
    tellPage();
  };
  const tellPage = () => {
    const finding: Finding | null =
      guarded() && typeof page === 'object'
        ? {
            code: 'page_not_protected',
            detail: `the page ${WEAKNESS_WORDS[page.weakness]}; it is kept on 127.0.0.1`,
          }
        : null;
    pageProblem = carryProblem(pageProblem, finding, clock);
  };

  const takeAnswer = (weakness: PageWeakness | 'none') => {
    const before = page;
    if (weakness === 'none') {
      signUpTold = false;
      if (before === 'safe') return;
      log.info(
        'the chat page has an administrator and sign-up is off: it is opened as the compose file says',
      );
      setPage('safe');
    } else if (before === 'safe' && weakness === 'sign_up') {
      // Once the page has been opened, that is the administrator's own choice.
      if (!signUpTold)
        log.warn(`the chat page ${WEAKNESS_WORDS.sign_up}: its administrator has switched that on`);
      signUpTold = true;
      return;
    } else {
      if (typeof before === 'object' && before.weakness === weakness) return;
      setPage({ weakness });
    }
    applyDesired({ ui: weakness === 'none' ? OPENED : CLOSED });
  };

  const guardApi = (api: ServiceSpec): ServiceSpec => {
    const unsafe = opensToNetwork(api) && !hasApiKey(api);
    const detail = 'services.api publishes a port for the network and has no key; it is kept on 127.0.0.1';
    apiProblem = carryProblem(apiProblem, unsafe ? { code: 'api_not_protected', detail } : null, clock);
    return unsafe ? closedToNetwork(api) : api;
  };

  const guard = (project: ComposeProject): Pick<NonNullable<Desired>, 'project' | 'accepted'> => {
    wanted = project.services.find(({ name }) => name === 'ui') ?? null;
    const source = chatsOf(wanted);
    if (chats !== source) {
      chats = source;
      if (memory.get().chats !== source) page = 'unknown';
    }
    if (!project.services.some(({ name }) => name === 'api')) apiProblem = null;
    tellPage();
    const services = project.services.map((service) => {
      if (service.name === 'api') return guardApi(service);
      return service.name === 'ui' && page !== 'safe' ? closedToNetwork(service) : service;
    });
    const accepted = wanted !== null && guarded() && page === 'unknown' ? { ui: wanted } : {};
    return { project: { ...project, services }, accepted };
  };
  const applyDesired = (because: Record<string, string> = {}) => {
    parts.apply(
      desired === null
        ? null
        : { ...desired, ...guard(desired.project), because: { ...desired.because, ...because } },
    );
  };

  return {
    setDesired(next) {
      desired = next;
      applyDesired();
    },
    look(snapshot) {
      const next = pageRun(snapshot);
      if (next?.id !== run?.id) wake.abort(new Error('another run of the page'));
      run = next;
    },
    settled() {
      if (!guarded() || typeof page === 'object') return true;
      if (page === 'unknown') return false;
      const waits = reopening !== null && run !== null && run.id === reopening.run;
      return !waits || clock.monotonicMs() >= (reopening?.untilMs ?? 0);
    },
    problems: () => [pageProblem, apiProblem].filter((problem) => problem !== null),
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        const end = AbortSignal.any([signal, wake.signal]);
        if (run !== null && guarded()) {
          const answer = judgePage(await parts.ask(run.address, end));
          if (answer !== null && !end.aborted) takeAnswer(answer);
        }
        await clock.sleep(page === 'safe' ? SAFE_INTERVAL_MS : LOOK_INTERVAL_MS, end).catch(() => undefined);
      }
    },
  };
}

/** What holds the accounts of the page; null where nothing does, so that a new container has none. */
function chatsOf(ui: ServiceSpec | null): string | null {
  const mount = ui?.mounts.find(({ target }) => target === CHAT_TARGET);
  return mount === undefined || mount.kind === 'tmpfs' ? null : mount.source;
}

function pageRun({ services, published }: ServicesSnapshot): PageRun | null {
  const ui = services['ui'];
  const bindings = (published['ui'] ?? []).filter(({ target }) => target.endsWith('/tcp'));
  const [first] = bindings;
  if (ui?.ready !== true || first === undefined) return null;
  const everywhere = first.hostIp === '' || first.hostIp === '0.0.0.0' || first.hostIp === '::';
  return {
    id: `${ui.container_id} ${ui.started_at}`,
    address: { host: everywhere ? '127.0.0.1' : first.hostIp, port: first.hostPort },
    open: bindings.some(({ hostIp }) => !isLoopbackHost(hostIp)),
  };
}
