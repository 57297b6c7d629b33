import type { Dispatcher } from 'undici';
import { ask } from '../services/probe-http.ts';
import type { AskPage } from './exposure.ts';

/** How long the page may take to answer. */
const ANSWER_DEADLINE_MS = 5_000;

/** Asks the page over HTTP what it tells everybody. */
export function createPageQuestion(): AskPage {
  let dispatcher: Dispatcher | undefined;
  return async (address, signal) => {
    // Loaded with the first question, so that the start of the daemon does not wait for it.
    const { Agent } = await import('undici');
    dispatcher ??= new Agent({ allowH2: false, pipelining: 0 });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_DEADLINE_MS)]);
    const answer = await ask(dispatcher, [address], { path: '/api/config' }, limit);
    return answer.kind === 'answer' && answer.status === 200 ? answer.json : null;
  };
}
