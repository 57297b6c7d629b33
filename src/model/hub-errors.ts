import { toTimestamp } from '../lib/clock.ts';
import { REDACTED } from '../lib/redact.ts';
import type { Finding } from '../status/problem.ts';
import { unreachableHub } from './hub-http.ts';
import { ModelError } from './types.ts';

/** What is read of an answer of the hub that is not a success. */
export interface HubRefusal {
  status: number;
  /** `X-Error-Code`: GatedRepo, RepoNotFound, RevisionNotFound, EntryNotFound; null when absent. */
  errorCode: string | null;
  /** `X-Error-Message`, the hub's own words, or null. */
  errorMessage: string | null;
  /** `Retry-After`, seconds or an HTTP date, or null. */
  retryAfter: string | null;
  /** `RateLimit`, for example `"api";r=0;t=55`, or null. */
  rateLimit: string | null;
}

/** What was asked, for the words of the finding. */
export interface HubQuestion {
  /** Address of the hub without a slash at its end. */
  endpoint: string;
  /** `org/name`. */
  id: string;
  revision: string;
  /** Whether a token was sent. */
  withToken: boolean;
}

/** The hub's words for a token it does not know (huggingface_hub `_http.py` looks for the same). */
const BAD_TOKEN_WORDS = 'Invalid credentials in Authorization header';

/** The hub's words for a repository that it has closed (huggingface_hub `DisabledRepoError`). */
const DISABLED_WORDS = 'Access to this resource is disabled';

/** Longest wait that a hub may ask for, in seconds; a longer one is cut. */
const MAXIMUM_RETRY_AFTER_SECONDS = 3600;

/** Reads a refusal off an answer. A hub that repeats the token in its words must not bring it into a log. */
export function readRefusal(
  answer: { status: number; header(name: string): string | null },
  token: string | null,
): HubRefusal {
  const header = (name: string) => {
    const value = answer.header(name);
    return token === null ? value : (value?.replaceAll(token, REDACTED) ?? null);
  };
  return {
    status: answer.status,
    errorCode: header('x-error-code'),
    errorMessage: header('x-error-message'),
    retryAfter: header('retry-after'),
    rateLimit: header('ratelimit'),
  };
}

/** The named problem behind an answer that is not a success. Codes and headers as huggingface_hub reads them. */
export function refusalToError(refusal: HubRefusal, question: HubQuestion, now: Date): ModelError {
  const seconds = retryAfterSeconds(refusal, now);
  const finding = refusalFinding(refusal, question);
  return new ModelError(passes(refusal) ? withWait(finding, seconds, now) : finding, seconds);
}

/**
 * The named problem behind a refusal of the host that the hub names for the bytes of files: a transient one. Its words are
 * not the hub's; only how long it asks to wait is taken from them.
 */
export function fileHostRefusal(refusal: HubRefusal, url: URL, id: string, now: Date): ModelError {
  const { status } = refusal;
  const said = `answered ${status} for a file of ${id}`;
  const limited: Finding = {
    code: 'hub_rate_limited',
    detail: `${url.origin}: ${said}`,
    remedy: 'The host of the files limits requests; it goes on by itself.',
  };
  const finding = status === 429 ? limited : unreachableHub(url, said).finding;
  if (!passes(refusal)) return new ModelError(finding);
  const seconds = retryAfterSeconds(refusal, now);
  return new ModelError(withWait(finding, seconds, now), seconds, 'file-host');
}

/** Refusals after which a wait that is asked for means something. */
function passes({ status }: HubRefusal): boolean {
  return status === 429 || status === 408 || status >= 500;
}

/** Says until when the other side asks to wait, so that a person sees that it is not forgotten. */
function withWait(finding: Finding, seconds: number | null, now: Date): Finding {
  if (seconds === null || seconds === 0) return finding;
  const until = toTimestamp(new Date(now.getTime() + seconds * 1000));
  return { ...finding, detail: `${finding.detail} and asks to wait until ${until}` };
}

function refusalFinding(refusal: HubRefusal, question: HubQuestion): Finding {
  const { status, errorCode } = refusal;
  const said = describe(refusal);
  const { id, revision } = question;
  if (status === 429) return { code: 'hub_rate_limited', detail: `${question.endpoint} answered ${said}` };
  if (status >= 500 || status === 408) {
    const remedy =
      'The hub itself has a trouble, it goes on by itself; that of the public hub is told at https://status.huggingface.co.';
    return { code: 'hub_unreachable', detail: `${question.endpoint} answered ${said}`, remedy };
  }
  if (errorCode === 'GatedRepo') return { code: 'model_gated', detail: `${id}: ${said}` };
  if (status === 401 && refusal.errorMessage?.includes(BAD_TOKEN_WORDS)) {
    return { code: 'token_invalid', detail: `${question.endpoint} answered ${said}` };
  }
  if (refusal.errorMessage?.includes(DISABLED_WORDS))
    return { code: 'model_disabled', detail: `${id}: ${said}` };
  // The public hub answers 401 with a code for what does not exist, too; without a code it is the door of a mirror.
  if (status === 401 && errorCode === null) {
    return {
      code: question.withToken ? 'token_invalid' : 'token_missing',
      detail: `${question.endpoint} answered ${said}`,
    };
  }
  if (errorCode === 'RevisionNotFound') {
    return { code: 'revision_not_found', detail: `${id} has no revision ${revision} (${said})` };
  }
  if (errorCode === 'EntryNotFound') {
    return {
      code: 'hub_answer_invalid',
      detail: `a file that the hub lists for ${id} is not there (${said})`,
    };
  }
  if (status === 401 || status === 403 || status === 404 || status === 410) {
    const token = question.withToken ? 'with the saved token' : 'without a token';
    return { code: 'model_not_found', detail: `${id} at ${question.endpoint}, asked ${token}: ${said}` };
  }
  return { code: 'hub_answer_invalid', detail: `${question.endpoint} answered ${said} about ${id}` };
}

/** Seconds that the answer asks to wait: `Retry-After`, else `t=` of `RateLimit`; null when it asks nothing. */
function retryAfterSeconds(refusal: Pick<HubRefusal, 'retryAfter' | 'rateLimit'>, now: Date): number | null {
  const seconds = parseRetryAfter(refusal.retryAfter, now) ?? parseRateLimit(refusal.rateLimit);
  return seconds === null ? null : Math.min(seconds, MAXIMUM_RETRY_AFTER_SECONDS);
}

function parseRetryAfter(value: string | null, now: Date): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now.getTime()) / 1000));
}

function parseRateLimit(value: string | null): number | null {
  const match = value === null ? null : /;\s*t=(\d+)/.exec(value);
  return match === null ? null : Number(match[1]);
}

/** `403 (GatedRepo: Access to model … is restricted)`, on one line and not long. */
function describe(refusal: HubRefusal): string {
  const words = [refusal.errorCode, refusal.errorMessage].filter((part) => part !== null).join(': ');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: foreign text must not steer a terminal
  const clean = words.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300);
  return clean === '' ? String(refusal.status) : `${refusal.status} (${clean})`;
}
