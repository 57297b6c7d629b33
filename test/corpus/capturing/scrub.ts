/** What differs from machine to machine, and what stands there instead. */
const REPLACEMENTS: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{64}\b/g, '5eed'.repeat(16)],
  [/ai-sandbox-capture-\d+/g, 'ai-sandbox-capture'],
  [/\/tmp\/capture-[A-Za-z0-9]{6}/g, '/tmp/capture'],
  [/\b(?:127\.0\.0\.1|localhost):\d{5}\b/g, '127.0.0.1:50000'],
  [/\bport=\d{5}\b/g, 'port=50000'],
  [/\b(?:10|172)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/g, '172.18.0.2'],
  [/\/var\/tmp\/[A-Za-z0-9._/-]*docker\.sock/g, '/var/run/docker.sock'],
  [/\/var\/tmp\/[A-Za-z0-9._/-]*\/(data|exec)\//g, '/var/lib/docker/'],
];

/** Takes names of the machine out of a log; the words of the programs stay as they are. */
export function scrub(text: string): string {
  return REPLACEMENTS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
