import type { Dispatcher } from 'undici';
import type { Redactor } from '../lib/redact.ts';
import type { Finding } from '../status/problem.ts';
import { ask, type ProbeAnswer, property } from './probe-http.ts';
import type { Probe, ProbeResult, ProbeTarget } from './types.ts';

/** A probe that has not ended by then is a miss. */
const PROBE_DEADLINE_MS = 10_000;

/** Names under which a container address is dialled; a refused or filtered address must not eat the whole deadline. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Longest part of a foreign answer that is repeated to people. */
const MAXIMUM_QUOTE_LENGTH = 300;

/** What vLLM answers when the tokenizer has no template (transformers raises it at request time, never at start). */
const CHAT_TEMPLATE_WORDS = /chat[ _]template/i;

/** Parts of the probes of `api` and `ui`. */
export interface ProbeParts {
  redactor: Redactor;
  /** Name the engine serves the model under, and its key; from the resolved service. */
  servedModelName(target: ProbeTarget): string | null;
  apiKey(target: ProbeTarget): string | undefined;
  /** For tests; default: HTTP/1.1 without kept connections, since a restarted container has another address. */
  dispatcher?: Dispatcher;
  deadlineMs?: number;
}

/**
 * The probes of the two services with questions of their own. `api` is ready after `/health` 200, the served name in
 * `/v1/models`, and one answered chat completion of one token; `ui` after `/ready` (or `/health` where that does not
 * exist) answers `{"status":true}` as JSON, since its page answers 200 to everything.
 */
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
    (probe: (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeResult>): Probe =>
    async (target, signal) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
      const result = await probe(target, limit);
      return { ...result, detail: parts.redactor.redact(result.detail) };
    };

  const api = within(async (target, signal) => {
    const question = async (path: string, body?: unknown) =>
      ask(await connections(), target.addresses, { path, body, apiKey: parts.apiKey(target) }, signal);

    const health = await question('/health');
    if (health.kind === 'silence') return missed(health.detail);
    if (health.status !== 200) return missed(`/health answered ${health.status}`);

    const models = await question('/v1/models');
    const served = parts.servedModelName(target);
    const listed = judgeModels(models, served);
    if (listed !== null) return listed;

    const chat = await question('/v1/chat/completions', {
      model: served ?? firstModelId(models),
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 1,
      temperature: 0,
    });
    return judgeChat(chat);
  });

  const ui = within(async (target, signal) => {
    const ready = await ask(await connections(), target.addresses, { path: '/ready' }, signal);
    if (ready.kind === 'silence') return missed(ready.detail);
    if (property(ready.json, 'status') === true) return { ...READY, backendReady: null };
    if (ready.status === 503) return answered(`/ready answered 503: ${quote(ready.text)}`);
    const health = await ask(await connections(), target.addresses, { path: '/health' }, signal);
    if (health.kind === 'silence') return missed(health.detail);
    if (property(health.json, 'status') === true) return { ...READY, backendReady: null };
    return missed(`/health answered ${health.status} without {"status":true}`);
  });

  return { api, ui };
}

const READY: ProbeResult = { ready: true, alive: true, detail: '', finding: null };

function missed(detail: string): ProbeResult {
  return { ready: false, alive: false, detail, finding: null };
}

function answered(detail: string, finding: Finding | null = null): ProbeResult {
  return { ready: false, alive: true, detail, finding };
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

function modelIds(answer: ProbeAnswer): string[] {
  const data = answer.kind === 'answer' ? property(answer.json, 'data') : null;
  if (!Array.isArray(data)) return [];
  return data.map((entry: unknown) => property(entry, 'id')).filter((id) => typeof id === 'string');
}

function firstModelId(answer: ProbeAnswer): string {
  return modelIds(answer)[0] ?? '';
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAXIMUM_QUOTE_LENGTH ? line : `${line.slice(0, MAXIMUM_QUOTE_LENGTH)}…`;
}
