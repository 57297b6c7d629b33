import { findFlag } from './flags.ts';
import type { ServiceSpec } from './service-spec.ts';

/**
 * The service with named overrides (`--max-model-len` → `8192`) as flags of its command: a flag that stands there gets the
 * value in place, a missing one is added at the end. The value '' stands for a flag without value.
 * The same service comes back where there is nothing to override.
 */
export function applyOverrides(service: ServiceSpec, overrides: Record<string, string>): ServiceSpec {
  const flags = Object.entries(overrides).sort(([a], [b]) => (a < b ? -1 : 1));
  if (flags.length === 0) return service;
  let command = service.command ?? [];
  for (const [flag, value] of flags) command = setFlag(command, flag, value);
  return { ...service, command };
}

function setFlag(command: readonly string[], flag: string, value: string): string[] {
  const words = value === '' ? [flag] : [flag, value];
  const place = findFlag(command, flag);
  if (place === null) return [...command, ...words];
  const { at, inline } = place;
  const hasOwnWord = inline === null && isValue(command[at + 1]);
  return [...command.slice(0, at), ...words, ...command.slice(at + (hasOwnWord ? 2 : 1))];
}

/** Whether a word after a flag is its value: not the next flag; a negative number is a value. */
function isValue(word: string | undefined): boolean {
  return word !== undefined && (!word.startsWith('-') || /^-\d/.test(word));
}
