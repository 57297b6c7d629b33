import type { Dispatcher } from 'undici';
import type { Clock } from '../lib/clock.ts';
import type { Redactor } from '../lib/redact.ts';
import type { Finding } from '../status/problem.ts';
import { probeApi } from './probe-api.ts';
import { ask, type ProbeAnswer, type ProbeQuestion } from './probe-http.ts';
import { createPageModels, type PageAccount, probePage } from './probe-ui.ts';
import type { Probe, ProbeResult, ProbeTarget } from './types.ts';

/** A probe that has not ended by then is a miss. */
const PROBE_DEADLINE_MS = 10_000;

/** Names under which a container address is dialled; a refused or filtered address must not eat the whole deadline. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Puts one question to the service that is probed; never throws. */
type Ask = (question: ProbeQuestion, signal: AbortSignal) => Promise<ProbeAnswer>;

/** Parts of the probes of `api` and `ui`. */
export interface ProbeParts {
  redactor: Redactor;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Name the engine serves the model under, and its key; from the resolved service. */
  servedModelName(target: ProbeTarget): string | null;
  apiKey(target: ProbeTarget): string | undefined;
  /**
   * Processor time of the engine's container so far, in milliseconds; null where it tells nothing of the engine: with a GPU
   * the processor waits for it in a loop. Absent: the same.
   */
  cpuTimeMs?(target: ProbeTarget): Promise<number | null>;
  /** The model that the page must offer, and who may ask it; null where that is not known. */
  pageModel?(): string | null;
  pageAccount?(target: ProbeTarget): PageAccount | null;
  /** For tests; default: HTTP/1.1 without kept connections, since a restarted container has another address. */
  dispatcher?: Dispatcher;
  deadlineMs?: number;
}

/** The probes of the two services with questions of their own; see {@link probeApi} and {@link probePage}. */
export function createProbes(parts: ProbeParts): { api: Probe; ui: Probe } {
  let dispatcher = parts.dispatcher;
  const connections = async (): Promise<Dispatcher> => {
    // loaded with the first probe, so that the start of the daemon does not wait for it
    const { Agent } = await import('undici');
    dispatcher ??= new Agent({ allowH2: false, pipelining: 0, connect: { timeout: CONNECT_TIMEOUT_MS } });
    return dispatcher;
  };
  const deadlineMs = parts.deadlineMs ?? PROBE_DEADLINE_MS;
  const within =
    (probe: (target: ProbeTarget, signal: AbortSignal, ask: Ask) => Promise<ProbeResult>): Probe =>
    async (target, signal) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
      let undialable = false;
      const result = await probe(target, limit, async (question, questionLimit) => {
        const answer = await ask(await connections(), target.addresses, question, questionLimit);
        undialable ||= answer.kind === 'silence' && answer.undialable === true;
        return answer;
      });
      const told = { ...result, detail: parts.redactor.redact(result.detail) };
      if (!undialable || result.ready) return told;
      const finding: Finding = { code: 'container_unreachable', detail: told.detail };
      // Another start gives no address to a container that has none, so that nothing is missed.
      return { ...told, finding, alive: result.alive || target.addresses.length === 0 };
    };
  const pageModels = createPageModels(parts.clock);

  const api = within((target, signal, put) =>
    probeApi({
      ask: (question, limit) => put({ ...question, apiKey: parts.apiKey(target) }, limit),
      cpuTimeMs: async () => (await parts.cpuTimeMs?.(target).catch(() => null)) ?? null,
      served: parts.servedModelName(target),
      deadlineMs,
      signal,
    }),
  );

  const ui = within(async (target, signal, put) => {
    const question = (asked: ProbeQuestion) => put(asked, signal);
    const result = await probePage(question);
    const model = parts.pageModel?.() ?? null;
    if (!result.ready || model === null) return { ...result, backendReady: null };
    const account = parts.pageAccount?.(target) ?? null;
    return { ...result, backendReady: await pageModels.offers(question, account, model) };
  });

  return { api, ui };
}
