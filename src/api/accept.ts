/** Whether an `Accept` header prefers plain text to JSON (RFC 9110 §12.5.1). Wildcards alone mean JSON. */
export function prefersText(accept: string | undefined): boolean {
  const weights = { text: 0, json: 0 };
  for (const entry of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = qualityOf(parameters);
    if (type === 'text/plain') weights.text = weight;
    if (type === 'application/json') weights.json = weight;
  }
  return weights.text > weights.json;
}

function qualityOf(parameters: string[]): number {
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  const value = quality === undefined ? 1 : Number(quality.slice(2));
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
