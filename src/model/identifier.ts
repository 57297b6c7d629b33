import { modelIdentifierFault } from '../lib/model-identifier.ts';
import type { Finding } from '../status/problem.ts';
import type { ModelIdentifier } from './types.ts';

/** Answer of {@link parseModelIdentifier}: exactly one of the two. */
export type ParsedIdentifier =
  | { identifier: ModelIdentifier; finding?: never }
  | { finding: Finding; identifier?: never };

/**
 * Reads `org/name` by the hub's rules ({@link modelIdentifierFault}). Surrounding blanks are accepted. The finding is
 * `model_id_invalid` and names the value and the rule it breaks.
 */
export function parseModelIdentifier(text: string): ParsedIdentifier {
  const id = text.trim();
  const fault = modelIdentifierFault(id);
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

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
