import { type EngineCounters, hasMoved, readCounters } from './engine-counters.ts';
import { type ProbeAnswer, type ProbeQuestion, property } from './probe-http.ts';
import { answered, missed, quote, READY } from './probe-results.ts';
import type { ProbeResult } from './types.ts';

/** What vLLM answers when the tokenizer has no template (transformers raises it at request time, never at start). */
const CHAT_TEMPLATE_WORDS = /chat[ _]template/i;

/** Share of the deadline after which an unanswered chat lets the counters be looked at for the first time. */
const FIRST_LOOK_SHARE = 0.2;
/** Share of the deadline that the chat has; the rest is for the second look. */
const CHAT_SHARE = 0.85;

/** Part of one processor that an engine uses at least while it works; a server whose engine stands still uses a few percent. */
const WORKING_SHARE = 0.3;

/** What a probe of the engine is made with. `ask` never throws; it answers with silence when `signal` aborts. */
export interface ApiProbe {
  ask(question: Omit<ProbeQuestion, 'apiKey'>, signal: AbortSignal): Promise<ProbeAnswer>;
  /** Processor time of its processes so far, in milliseconds; null where it says nothing of the engine. Never rejects. */
  cpuTimeMs(): Promise<number | null>;
  /** Name under which the model should be listed; null where the service does not tell. */
  served: string | null;
  deadlineMs: number;
  signal: AbortSignal;
}

/**
 * Asks an engine whether it does what it is for: `/health` 200, the served name in `/v1/models`, and one chat of one token.
 * `/health` and `/v1/models` stay 200 with a stopped engine process, so that only the chat proves anything. A chat that is not
 * answered in time is no miss while the engine's own counters move: then it is busy with others, or with a long prompt.
 */
export async function probeApi(probe: ApiProbe): Promise<ProbeResult> {
  const health = await probe.ask({ path: '/health' }, probe.signal);
  if (health.kind === 'silence') return missed(health.detail);
  if (health.status !== 200) return missed(`/health answered ${health.status}`);
  const models = await probe.ask({ path: '/v1/models' }, probe.signal);
  const listed = judgeModels(models, probe.served);
  if (listed !== null) return listed;
  return chat(probe, probe.served ?? modelIds(models)[0] ?? '');
}

async function chat(probe: ApiProbe, model: string): Promise<ProbeResult> {
  const over = new AbortController();
  const limit = AbortSignal.any([
    probe.signal,
    AbortSignal.timeout(Math.floor(probe.deadlineMs * CHAT_SHARE)),
  ]);
  const firstLook = lookLater(probe, AbortSignal.any([limit, over.signal]));
  const answer = await probe.ask(
    {
      path: '/v1/chat/completions',
      body: { model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1, temperature: 0 },
    },
    limit,
  );
  const late = limit.aborted && !probe.signal.aborted;
  over.abort();
  const before = await firstLook;
  if (answer.kind === 'answer' || !late) return judgeChat(answer);
  const after = await look(probe, probe.signal);
  if (before === null) return missed(answer.detail);
  const { counters: then } = before;
  const { counters: now } = after;
  const moved = then === null || now === null ? null : hasMoved(then, now);
  const load = `${now?.running ?? '?'} requests running, ${now?.waiting ?? '?'} waiting`;
  if (moved === true) {
    return { ...answered(`a chat of one token waits behind others (${load})`), busy: true };
  }
  if (hasComputed(before, after)) {
    return {
      ...answered('a chat of one token waits while the engine computes'),
      busy: true,
      computing: true,
    };
  }
  return missed(
    moved === null ? answer.detail : `${answer.detail}, and no counter of the engine moves (${load})`,
  );
}

/** What shows that an engine works on something. */
interface Look {
  counters: EngineCounters | null;
  /** Processor time that it has used, and when that was read; null where it is not known. */
  processor: { usedMs: number; atMs: number } | null;
}

async function look(probe: ApiProbe, signal: AbortSignal): Promise<Look> {
  const [read, processor] = await Promise.all([
    counters(probe, signal),
    // On a busy machine the counters take their time, which is not the engine's.
    probe.cpuTimeMs().then((usedMs) => (usedMs === null ? null : { usedMs, atMs: performance.now() })),
  ]);
  return { counters: read, processor };
}

/** Whether the processes of the engine have worked, rather than waited, between two looks. */
function hasComputed({ processor: before }: Look, { processor: after }: Look): boolean {
  if (before === null || after === null) return false;
  return after.usedMs - before.usedMs >= (after.atMs - before.atMs) * WORKING_SHARE;
}

/** A look some time after the chat was sent; null when it was answered by then. Never rejects. */
async function lookLater(probe: ApiProbe, signal: AbortSignal): Promise<Look | null> {
  const pause = AbortSignal.any([
    signal,
    AbortSignal.timeout(Math.floor(probe.deadlineMs * FIRST_LOOK_SHARE)),
  ]);
  await new Promise<void>((resolve) => {
    if (pause.aborted) resolve();
    pause.addEventListener('abort', () => resolve(), { once: true });
  });
  return signal.aborted ? null : look(probe, signal);
}

/** vLLM mounts the metrics as an application of its own, which some versions redirect to the path with a slash. */
async function counters(probe: ApiProbe, signal: AbortSignal): Promise<EngineCounters | null> {
  for (const path of ['/metrics', '/metrics/']) {
    const answer = await probe.ask({ path }, signal);
    if (answer.kind === 'silence') return null;
    if (answer.status === 200) return readCounters(answer.text);
    if (answer.status < 300 || answer.status > 399) return null;
  }
  return null;
}

/** Null when the served name is in the list, so that the chat is worth asking. */
function judgeModels(answer: ProbeAnswer, served: string | null): ProbeResult | null {
  if (answer.kind === 'silence') return missed(answer.detail);
  if (answer.status === 401 || answer.status === 403) {
    const detail = `/v1/models answered ${answer.status}: ${quote(answer.text)}`;
    return answered(detail, { code: 'api_key_refused', detail });
  }
  if (answer.status !== 200) return missed(`/v1/models answered ${answer.status}`);
  const ids = modelIds(answer);
  if (served === null || ids.includes(served)) return null;
  return answered(`/v1/models lists ${ids.join(', ') || 'nothing'}, not ${served}`);
}

/** The verdict on the one-token chat, the only true test of readiness. */
function judgeChat(answer: ProbeAnswer): ProbeResult {
  if (answer.kind === 'silence') return missed(answer.detail);
  if (answer.status === 200 && Array.isArray(property(answer.json, 'choices'))) return READY;
  const detail = `a chat of one token was answered with ${answer.status}: ${quote(answer.text)}`;
  if (answer.status === 400 && CHAT_TEMPLATE_WORDS.test(answer.text)) {
    return answered(detail, { code: 'chat_template_missing', detail });
  }
  return answer.status >= 500 ? missed(detail) : answered(detail);
}

/** The ids of a list of models, as vLLM and Open WebUI give it. */
export function modelIds(answer: ProbeAnswer): string[] {
  const data = answer.kind === 'answer' ? property(answer.json, 'data') : null;
  if (!Array.isArray(data)) return [];
  return data.map((entry: unknown) => property(entry, 'id')).filter((id) => typeof id === 'string');
}
