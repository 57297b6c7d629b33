import type { Clock } from '../lib/clock.ts';
import { modelIds } from './probe-api.ts';
import { type ProbeAnswer, type ProbeQuestion, property } from './probe-http.ts';
import { answered, missed, quote, READY } from './probe-results.ts';
import type { ProbeResult } from './types.ts';

/** After a refused sign-in no other is tried for so long: the administrator has another password, and tries are limited. */
const SIGN_IN_PAUSE_MS = 3_600_000;

/** Asks one question of the page; never throws. */
export type AskPage = (question: ProbeQuestion) => Promise<ProbeAnswer>;

/** Who signs in to see what the page offers: the administrator of the compose file. */
export interface PageAccount {
  email: string;
  password: string;
}

/**
 * Asks the page whether it is ready: `/ready`, or `/health` where that does not exist, answers `{"status":true}` as JSON, since
 * its page answers 200 to everything.
 */
export async function probePage(ask: AskPage): Promise<ProbeResult> {
  const ready = await ask({ path: '/ready' });
  if (ready.kind === 'silence') return missed(ready.detail);
  if (property(ready.json, 'status') === true) return READY;
  if (ready.status === 503) return answered(`/ready answered 503: ${quote(ready.text)}`);
  const health = await ask({ path: '/health' });
  if (health.kind === 'silence') return missed(health.detail);
  if (property(health.json, 'status') === true) return READY;
  return missed(`/health answered ${health.status} without {"status":true}`);
}

/** Asks the page which models it offers, as its administrator. */
export interface PageModels {
  /** Whether `model` is offered; null where that cannot be asked (no account in the file, another password by now). */
  offers(ask: AskPage, account: PageAccount | null, model: string): Promise<boolean | null>;
}

/**
 * Makes it. The page keeps the address of its backend in its database from the first start on, so that the compose file alone
 * does not tell what it talks to. One sign-in serves until the page does not know the token any more.
 */
export function createPageModels(clock: Pick<Clock, 'monotonicMs'>): PageModels {
  let token: string | null = null;
  let signInNotBefore = Number.NEGATIVE_INFINITY;

  const signIn = async (ask: AskPage, { email, password }: PageAccount): Promise<string | null> => {
    if (clock.monotonicMs() < signInNotBefore) return null;
    const answer = await ask({ path: '/api/v1/auths/signin', body: { email, password } });
    const given = answer.kind === 'answer' && answer.status === 200 ? property(answer.json, 'token') : null;
    if (typeof given === 'string' && given !== '') return given;
    const refused = answer.kind === 'answer' && answer.status >= 400 && answer.status < 500;
    if (refused) signInNotBefore = clock.monotonicMs() + SIGN_IN_PAUSE_MS;
    return null;
  };

  return {
    async offers(ask, account, model) {
      if (account === null) return null;
      token ??= await signIn(ask, account);
      if (token === null) return null;
      const answer = await ask({ path: '/api/models', apiKey: token });
      if (answer.kind === 'silence') return null;
      if (answer.status === 200) return modelIds(answer).includes(model);
      token = null;
      return null;
    },
  };
}
