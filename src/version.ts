import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of this program: set by the build in the shipped form, read from package.json in a checkout. */
export function readVersion(): string {
  const built = process.env.AI_SANDBOX_BUILD_VERSION;
  if (built !== undefined) return built;
  const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}
