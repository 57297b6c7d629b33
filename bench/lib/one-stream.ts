import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from 'undici';
import { streamGet } from '../../src/model/http-stream.ts';

/**
 * The simplest downloader in Node: one file after the other over one connection, hashed as it comes, synced at the end.
 *   node one-stream.ts FOLDER SHA256=URL…
 */
const [folder = '', ...files] = process.argv.slice(2);
const dispatcher = new Agent({ allowH2: false, pipelining: 1 });
const signal = new AbortController().signal;
for (const text of files) {
  const at = text.indexOf('=');
  const sha256 = text.slice(0, at);
  const hash = createHash('sha256');
  const file = await open(join(folder, sha256), 'w');
  await streamGet(
    dispatcher,
    new URL(text.slice(at + 1)),
    {},
    {
      onHead: () => true,
      onBytes: (chunk) => {
        hash.update(chunk);
        return file.writeFile(chunk);
      },
    },
    signal,
  );
  await file.sync();
  await file.close();
  if (hash.digest('hex') !== sha256) throw new Error(`${text} arrived damaged`);
}
await dispatcher.close();
