import { isRecord, string, strings } from './config-fields.ts';
import { readCommit } from './hub-answers.ts';
import type { ParameterCounts } from './weights-size.ts';

/** What a hub says of a model at `/api/models/{id}/revision/{rev}`; mirrors may leave out all but the commit. */
export interface HubInfo {
  commit: string;
  /** `auto`: whoever accepts the terms may fetch it; `manual`: the owner decides; null without a gate. */
  gate: 'auto' | 'manual' | null;
  disabled: boolean;
  /** The model this one was made from, `org/name`, or null. */
  baseModel: string | null;
  /** Numbers by type in its safetensors files, or null. */
  parameters: ParameterCounts | null;
}

/** Reads an answer. Throws `hub_answer_invalid` where it has no commit; everything else may be missing. */
export function readInfo(answer: unknown): HubInfo {
  const commit = readCommit(answer);
  const info = isRecord(answer) ? answer : {};
  const gate = info['gated'];
  const safetensors = info['safetensors'];
  return {
    commit,
    gate: gate === 'manual' ? 'manual' : gate === 'auto' || gate === true ? 'auto' : null,
    disabled: info['disabled'] === true,
    baseModel: baseModelOf(strings(info['tags'])),
    parameters: isRecord(safetensors) ? countsOf(safetensors['parameters']) : null,
  };
}

/** `base_model:org/name`, or `base_model:quantized:org/name` of a model that was made smaller. */
function baseModelOf(tags: readonly string[]): string | null {
  for (const tag of tags) {
    const match = /^base_model:(?:[a-z]+:)?([A-Za-z0-9._-]{1,96}\/[A-Za-z0-9._-]{1,96})$/.exec(tag);
    if (match?.[1] !== undefined) return match[1];
  }
  return null;
}

function countsOf(value: unknown): ParameterCounts | null {
  if (!isRecord(value)) return null;
  const counts = Object.entries(value).filter(
    (entry): entry is [string, number] =>
      typeof entry[1] === 'number' && Number.isFinite(entry[1]) && entry[1] >= 0,
  );
  return counts.length === 0 ? null : Object.fromEntries(counts);
}

/** The account of a token in an answer of `/api/whoami-v2`, or null. */
export function readAccount(answer: unknown): string | null {
  const name = isRecord(answer) ? string(answer['name']) : null;
  return name !== null && /^[\w.-]{1,96}$/.test(name) ? name : null;
}
