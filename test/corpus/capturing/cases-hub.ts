import type { FaultPlan, RequestKind } from '../../stand-ins/hub/faults.ts';
import type { Case, ContainerRun } from './case.ts';
import { API_ARGUMENTS, HUB_MODEL } from './lab.ts';

const ALWAYS = 1_000_000;

/** vLLM is to fetch the model itself, from a stand-in hub. */
const fetching = (...more: string[]) => [HUB_MODEL, ...API_ARGUMENTS.slice(1), ...more];

function hub(name: string, expect: string, note: string, run: Partial<ContainerRun>): Case {
  return { name, family: 'hub', expect, note, run: { image: 'api', args: fetching(), hub: {}, ...run } };
}

/** Every request of these kinds is answered so. */
const answers =
  (status: number, kinds: RequestKind[], headers: Record<string, string> = {}, body = '') =>
  (plan: FaultPlan) => {
    for (const on of kinds)
      plan.add({ on, times: ALWAYS, action: { kind: 'answer', status, headers, body } });
  };

const API: RequestKind[] = ['info', 'tree', 'auth-check', 'whoami', 'resolve'];
const FILES: RequestKind[] = ['resolve', 'content'];

export const HUB_CASES: readonly Case[] = [
  hub('no-network', 'hub_unreachable', 'no network at all', {
    docker: ['--network', 'none'],
    environment: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'https://huggingface.co' },
  }),
  hub('refused', 'hub_unreachable', 'nothing listens at the address of the hub', {
    environment: { HF_ENDPOINT: 'http://127.0.0.1:9' },
  }),
  hub('offline-empty', 'model_incomplete', 'offline, and the cache is empty', {
    docker: ['--network', 'none'],
    environment: { HF_HUB_OFFLINE: '1' },
  }),
  hub('gated-without-token', 'model_gated', 'a gated model, no token', {
    hub: {
      faults: answers(401, FILES, {
        'x-error-code': 'GatedRepo',
        'x-error-message':
          'Access to model acme/tiny-chat is restricted. You must have access to it and be authenticated to access it. Please log in.',
      }),
    },
  }),
  hub('gated-not-accepted', 'model_gated', 'a gated model, a token whose owner has not accepted the terms', {
    environment: { HF_TOKEN: 'hf_captureCaptureCapture' },
    hub: {
      faults: answers(403, FILES, {
        'x-error-code': 'GatedRepo',
        'x-error-message':
          'Access to model acme/tiny-chat is restricted and you are not in the authorized list. Visit https://huggingface.co/acme/tiny-chat to ask for access.',
      }),
    },
  }),
  hub('token-invalid', 'token_invalid', 'a token that the hub does not know', {
    environment: { HF_TOKEN: 'hf_captureCaptureCapture' },
    hub: {
      faults: answers(
        401,
        API,
        { 'x-error-message': 'Invalid credentials in Authorization header' },
        '{"error":"Invalid credentials in Authorization header"}',
      ),
    },
  }),
  hub('unknown-model', 'model_not_found', 'a model that the hub does not know', {
    args: ['acme/no-such-model', ...API_ARGUMENTS.slice(1)],
  }),
  hub('unknown-revision', 'revision_not_found', 'a revision that the hub does not know', {
    args: fetching('--revision', 'v9'),
  }),
  hub('rate-limited', 'hub_rate_limited', 'the hub answers 429 to everything', {
    hub: { faults: answers(429, API, { 'retry-after': '1' }) },
  }),
  hub('down', 'hub_unreachable', 'the hub answers 503 to everything', { hub: { faults: answers(503, API) } }),
  hub('bad-gateway', 'hub_unreachable', 'the hub answers 502 to the files', {
    hub: { faults: answers(502, FILES) },
  }),
  hub('reset', 'hub_unreachable', 'the hub cuts every connection', {
    hub: {
      faults: (plan) => {
        for (const on of API) plan.add({ on, times: ALWAYS, action: { kind: 'reset', afterBytes: 0 } });
      },
    },
  }),
  hub('transfer-cut', 'hub_unreachable', 'the transfer of the weights ends early, again and again', {
    hub: {
      faults: (plan) => {
        plan.add({ on: 'content', times: ALWAYS, action: { kind: 'truncate', afterBytes: 100_000 } });
      },
    },
  }),
  hub('disk-full', 'disk_full', 'no space for the weights', {
    docker: ['--tmpfs', '/root/.cache/huggingface:size=2m'],
  }),
  hub('cache-not-writable', 'file_permission_denied', 'the cache belongs to somebody else', {
    docker: ['--user', '12345:12345', '-e', 'HOME=/tmp', '-e', 'HF_HOME=/root/.cache/huggingface'],
  }),
];
