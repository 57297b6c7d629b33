import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleShipped } from './bundle.ts';

/**
 * Makes the shipped form: `dist/main.mjs` and `dist/daemon.cjs` (the daemon), `dist/ai-sandbox.mjs` (the command),
 * `dist/chat-database-reader.mjs` (a short process of the daemon), `dist/model-downloader.mjs` and
 * `dist/model-hasher.mjs` (its threads) and `dist/stop-stamp.mjs` (run after its end). Run with npm run build.
 */
const out = join(import.meta.dirname, '../dist');
await rm(out, { recursive: true, force: true });
const sizes = await bundleShipped(out);
await chmod(join(out, 'ai-sandbox.mjs'), 0o755);
for (const [file, bytes] of Object.entries(sizes)) console.log(`${file}  ${Math.round(bytes / 1024)} KiB`);
