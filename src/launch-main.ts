import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compileProgram } from './lib/code-cache.ts';

/**
 * Entry of the shipped daemon (`main.mjs`): runs the script `daemon.cjs` beside it, with a code cache in the folder that
 * NODE_COMPILE_CACHE names. A checkout runs `main.ts` itself.
 */

/** By then everything that a start needs has run once. */
const COMPLETE_AFTER_MS = 10_000;

const file = join(import.meta.dirname, 'daemon.cjs');
const folder = process.env['NODE_COMPILE_CACHE'];
const program = compileProgram(
  readFileSync(file),
  // The names that scripts/bundle.ts leaves open in the daemon.
  ['(function (require, __filename, __dirname, __moduleUrl) {', '\n})'],
  file,
  join(folder ?? '', 'daemon.code-cache'),
);

/** A cache that cannot be written makes the next start slower, and nothing else. */
const save = (complete: boolean) => {
  try {
    program.save(complete);
  } catch {}
};
if (folder !== undefined && !program.complete) {
  const saveAtEnd = () => save(false);
  if (!program.cached) process.once('exit', saveAtEnd);
  const timer = setTimeout(() => {
    process.removeListener('exit', saveAtEnd);
    save(true);
  }, COMPLETE_AFTER_MS);
  timer.unref();
}

const daemon = program.run() as (
  require: NodeJS.Require,
  filename: string,
  dirname: string,
  moduleUrl: string,
) => void;
daemon(createRequire(import.meta.url), file, import.meta.dirname, import.meta.url);
