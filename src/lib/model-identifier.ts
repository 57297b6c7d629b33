/** The hub's own limit for each of the two names (huggingface_hub `validate_repo_id`). */
const MAXIMUM_NAME_CHARACTERS = 96;

/**
 * What is wrong with a model id, by the hub's rules for `org/name`: letters, digits, `.`, `_` and `-`; no `..` and no `--`
 * (the cache's folder names use it as separator); neither name starts or ends with `-` or `.`; at most 96 characters each;
 * not ending in `.git`. Null where nothing is.
 */
export function modelIdentifierFault(id: string): string | null {
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
