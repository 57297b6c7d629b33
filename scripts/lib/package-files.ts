import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../src/cli/run.ts';
import { SETTING_TABLE } from '../../src/settings-table.ts';
import { bundleShipped } from '../bundle.ts';
import { defaultSettings } from './default-settings.ts';
import { packageLicenses } from './licenses.ts';
import { bashCompletion, manualPage } from './manual.ts';

/**
 * Writes into the root of a package what is made from the sources: `package-files.ts ROOT VERSION EPOCH`, EPOCH in seconds.
 * The programs, the manual page, the completion, the settings with their defaults, the licences of what is inside.
 */
const [root = '', version = '', epoch = ''] = process.argv.slice(2);
if (root === '' || version === '' || !/^\d+$/.test(epoch))
  throw new Error('usage: package-files.ts ROOT VERSION EPOCH');

const place = async (path: string, text: string) => {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
};
const top = join(import.meta.dirname, '../..');
const settings = Object.values(SETTING_TABLE);
const day = new Date(Number(epoch) * 1000).toISOString().slice(0, 10);
const header = await readFile(join(top, 'systemd/ai-sandbox.default'), 'utf8');

await bundleShipped(join(root, 'usr/lib/ai-sandbox'), version);
await place('usr/share/man/man1/ai-sandbox.1', manualPage(COMMANDS, settings, version, day));
await place('usr/share/bash-completion/completions/ai-sandbox', bashCompletion(COMMANDS));
await place('etc/default/ai-sandbox', defaultSettings(header, settings));
await place('usr/share/doc/ai-sandbox/packages-licenses', await packageLicenses(top));
