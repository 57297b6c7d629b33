import type { Finding } from '../status/problem.ts';
import type { ModelIdentifier } from './types.ts';

/** The hub's own limit for each of the two names (huggingface_hub `validate_repo_id`). */
const MAXIMUM_NAME_CHARACTERS = 96;

/** Answer of {@link parseModelIdentifier}: exactly one of the two. */
export type ParsedIdentifier =
  | { identifier: ModelIdentifier; finding?: never }
  | { finding: Finding; identifier?: never };

/**
 * Reads `org/name` by the hub's rules: letters, digits, `.`, `_` and `-`; no `..` and no `--` (the cache's folder names
 * use it as separator); neither name starts or ends with `-` or `.`; at most 96 characters each; not ending in `.git`.
 * Surrounding blanks are accepted. The finding is `model_id_invalid` and names the value and the rule it breaks.
 */
export function parseModelIdentifier(text: string): ParsedIdentifier {
  const id = text.trim();
  const fault = identifierFault(id);
  const [organisation, name] = id.split('/');
  if (fault !== null || organisation === undefined || name === undefined) {
    return {
      finding: {
        code: 'model_id_invalid',
        detail: `MODEL_ID is ${JSON.stringify(shorten(id))}: ${fault ?? 'it must be of the form org/name'}`,
      },
    };
  }
  return { identifier: { id, organisation, name } };
}

function identifierFault(id: string): string | null {
  if (id === '') return 'it is empty; it must be of the form org/name';
  if (/^[a-z]+:\/\//i.test(id)) return 'it must be org/name, not an address';
  const parts = id.split('/');
  if (parts.length !== 2) return 'it must be of the form org/name, with exactly one slash';
  for (const part of parts) {
    if (part === '') return 'it must be of the form org/name, with text on both sides of the slash';
    if (!/^[A-Za-z0-9._-]+$/.test(part)) return 'only letters, digits, ".", "_" and "-" are allowed';
    if (part.includes('..') || part.includes('--')) return '".." and "--" are not allowed';
    if (/^[-.]|[-.]$/.test(part)) return 'a name may not start or end with "-" or "."';
    if (part.length > MAXIMUM_NAME_CHARACTERS)
      return `a name may have at most ${MAXIMUM_NAME_CHARACTERS} characters`;
    if (part.endsWith('.git')) return 'a name may not end with ".git"';
  }
  return null;
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
