import { readFile } from 'node:fs/promises';

/** A user of this machine. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** The local account of this name (passwd(5)); null where there is none. Throws when the file cannot be read. */
export async function findAccount(name: string, file = '/etc/passwd'): Promise<Account | null> {
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const [found, , uid = '', gid = '', , home = ''] = line.split(':');
    if (found !== name || !/^\d+$/.test(uid) || !/^\d+$/.test(gid) || !home.startsWith('/')) continue;
    return { name, uid: Number(uid), gid: Number(gid), home };
  }
  return null;
}
