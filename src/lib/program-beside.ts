import { fileURLToPath } from 'node:url';

/**
 * Path of the program of a thread or short process, beside the module at `url`: its source (`./name-main.ts`), or its
 * bundle (`./name.mjs`) where the module itself is one.
 */
export function programBeside(url: string, source: string, bundled: string): string {
  return fileURLToPath(new URL(url.endsWith('.ts') ? source : bundled, url));
}
