import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tinyModelFiles } from '../../test/stand-ins/tiny-model.ts';

/** Writes the files of a model that only the stand-in can serve: write-tiny-model.ts FOLDER. Padding makes the download visible. */
const PADDING_BYTES = 6_000_000;
const folder = process.argv[2] ?? '.';
await mkdir(folder, { recursive: true });
for (const [name, content] of Object.entries(tinyModelFiles())) await writeFile(join(folder, name), content);
await writeFile(join(folder, 'tokenizer.model'), Buffer.alloc(PADDING_BYTES));
