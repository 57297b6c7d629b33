import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

/**
 * Makes the shipped form: `dist/main.mjs` (the daemon), `dist/ai-sandbox.mjs` (the command) and
 * `dist/chat-database-reader.mjs` (a short process of the daemon). Run with npm run build.
 */
const top = join(import.meta.dirname, '..');
const out = join(top, 'dist');
await rm(out, { recursive: true, force: true });
const sizes = await bundle(
  {
    main: join(top, 'src/main.ts'),
    'ai-sandbox': join(top, 'src/cli/main.ts'),
    'chat-database-reader': join(top, 'src/chat/database-reader-main.ts'),
  },
  out,
);
await chmod(join(out, 'ai-sandbox.mjs'), 0o755);
for (const [file, bytes] of Object.entries(sizes)) console.log(`${file}  ${Math.round(bytes / 1024)} KiB`);
