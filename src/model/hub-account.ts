import type { Finding } from '../status/problem.ts';
import { type HubInfo, readAccount } from './hub-info.ts';
import type { HubSession } from './hub-session.ts';
import { openModelLike } from './open-models.ts';
import { ModelError } from './types.ts';

/** What was known of a model when it was refused. */
interface RefusedModel {
  /** `org/name`. */
  id: string;
  info: HubInfo | null;
  /** Bytes of its weights, as far as the file list was readable. */
  weightBytes: number | null;
}

/** Whose token the hub was asked with. */
type Account = { kind: 'refused' } | { kind: 'known'; name: string } | { kind: 'unknown' };

/** Problems behind which a bad token may stand. */
const DOUBTFUL: ReadonlySet<string> = new Set([
  'model_gated',
  'model_not_found',
  'token_missing',
  'token_invalid',
]);

/**
 * Makes a refusal of the hub more exact: a refused token is told from a model that may not be read (`whoami-v2`, asked
 * only with a token), and a gate says where its terms are accepted, who decides, and which open model would do instead.
 * Returns the error to throw; anything else than such a refusal as it is.
 */
export async function explainRefusal(
  session: HubSession,
  error: unknown,
  model: RefusedModel,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof ModelError) || !DOUBTFUL.has(error.finding.code)) return error;
  const account = session.hasToken() ? await askAccount(session, signal) : null;
  if (account?.kind === 'refused') {
    return new ModelError({
      code: 'token_invalid',
      detail: `${session.endpoint} does not know the saved token (it was asked for ${model.id})`,
    });
  }
  const name = account?.kind === 'known' ? account.name : null;
  return new ModelError(exactFinding(error.finding, session, model, name), error.retryAfterSeconds);
}

function exactFinding(
  finding: Finding,
  session: HubSession,
  model: RefusedModel,
  account: string | null,
): Finding {
  const detail =
    account === null ? finding.detail : `${finding.detail}; the token is of the account ${account}`;
  if (finding.code !== 'model_gated') return { ...finding, detail };
  return { ...finding, detail, remedy: gateRemedy(session, model, account) };
}

function gateRemedy(
  session: HubSession,
  { id, info, weightBytes }: RefusedModel,
  account: string | null,
): string {
  const page = `${session.endpoint}/${id}`;
  const ask =
    info?.gate === 'manual' ? `Ask for access at ${page} (its owner decides)` : `Accept the terms at ${page}`;
  const then = session.hasToken()
    ? `${ask} with the account ${account ?? 'of the saved token'} (a fine-grained token also needs read access to public gated repositories), then: ai-sandbox model retry`
    : `${ask}, then save a token of that account in /etc/ai-sandbox/hf-token; it is noticed by itself`;
  return `${then}. Or set MODEL_ID to an open model: ${openModelLike(id, weightBytes)}.`;
}

/** Whose the token is. A mirror without accounts, or a hub that does not answer, makes no statement. */
async function askAccount(session: HubSession, signal: AbortSignal): Promise<Account> {
  const url = new URL(`${session.endpoint}/api/whoami-v2`);
  try {
    const { json } = await session.getJson(url, { id: 'the account', revision: '' }, signal);
    const name = readAccount(json);
    return name === null ? { kind: 'unknown' } : { kind: 'known', name };
  } catch (error) {
    signal.throwIfAborted();
    const refused =
      error instanceof ModelError && ['token_invalid', 'token_missing'].includes(error.finding.code);
    return refused ? { kind: 'refused' } : { kind: 'unknown' };
  }
}
