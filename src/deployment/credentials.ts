/** One line of the credentials file. */
export type Credential = readonly [key: string, value: string];

/** What the file tells; null where it is not known yet, which keeps what stands there. */
export interface CredentialFacts {
  pageUrl: string | null;
  apiUrl: string | null;
  model: string | null;
  adminEmail: string | null;
  adminPassword: string | null;
  apiKey: string | null;
}

/**
 * The lines of this product, in the form `Key: value` that the credentials files of Linode's Marketplace have. Values are
 * one line each; one with a line end in it is left out, as it could look like other lines.
 */
export function credentialLines(facts: CredentialFacts): Credential[] {
  const lines: [string, string | null][] = [
    ['Open WebUI URL', facts.pageUrl],
    ['Open WebUI admin email', facts.adminEmail],
    ['Open WebUI admin password', facts.adminPassword],
    ['API URL', facts.apiUrl],
    ['API key', facts.apiKey],
    ['Model', facts.model],
  ];
  return lines.filter((line): line is [string, string] => line[1] !== null && !/[\r\n]/.test(line[1]));
}

/** The text of the file with these lines: those of the same keys are replaced in their place, all others are kept. */
export function mergeCredentials(existing: string, credentials: readonly Credential[]): string {
  const rest = new Map(credentials);
  const lines = existing === '' ? [] : existing.replace(/\n$/, '').split('\n');
  const kept = lines.map((line) => {
    const key = /^([^:]+):/.exec(line)?.[1] ?? '';
    const value = rest.get(key);
    rest.delete(key);
    return value === undefined ? line : `${key}: ${value}`;
  });
  return [...kept, ...[...rest].map(([key, value]) => `${key}: ${value}`), ''].join('\n');
}
