import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The parts of package-lock.json that are used here. */
interface Lock {
  packages: Record<string, { version?: string; license?: string; dev?: boolean; optional?: boolean }>;
}

/** Names and licences, with their texts, of all packages that may be inside the programs; `top` is the checkout. */
export async function packageLicenses(top: string): Promise<string> {
  const lock = JSON.parse(await readFile(join(top, 'package-lock.json'), 'utf8')) as Lock;
  const shipped = Object.entries(lock.packages)
    .filter(([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const parts: string[] = [];
  for (const [path, { version, license }] of shipped) {
    const folder = join(top, path);
    const names = await readdir(folder).catch(() => []);
    const file = names.filter((name) => /^(licen[cs]e|copying)/i.test(name)).sort()[0];
    const text = file === undefined ? '' : (await readFile(join(folder, file), 'utf8')).trimEnd();
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    parts.push(`${'='.repeat(78)}\n${name} ${version}: ${license ?? 'no licence named'}\n\n${text}\n`);
  }
  return parts.join('\n');
}
