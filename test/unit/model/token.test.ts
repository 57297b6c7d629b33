import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Log, silentLog } from '../../../src/lib/log.ts';
import { createTokenSource } from '../../../src/model/token.ts';
import { createManualClock } from '../../support/manual-clock.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'token-'));
});
afterEach(() => rm(directory, { recursive: true }));

const source = (parts: {
  environment?: string;
  credentials?: boolean;
  log?: Log;
  clock?: ReturnType<typeof createManualClock>;
}) =>
  createTokenSource({
    file: join(directory, 'hf-token'),
    credentialsDirectory: parts.credentials === true ? join(directory, 'credentials') : null,
    environment: parts.environment ?? null,
    clock: parts.clock ?? createManualClock(),
    log: parts.log ?? silentLog,
  });
const save = (text: string) => writeFile(join(directory, 'hf-token'), text, { mode: 0o600 });

describe('the hub token', () => {
  it('is read from the file, then the credential, then the environment', async () => {
    await mkdir(join(directory, 'credentials'));
    const tokens = source({ environment: 'hf_environment', credentials: true });
    await tokens.refresh();
    expect(tokens.current()).toBe('hf_environment');
    await writeFile(join(directory, 'credentials', 'hf-token'), 'hf_credential\n');
    await tokens.refresh();
    expect(tokens.current()).toBe('hf_credential');
    await save(' hf_file\n');
    await tokens.refresh();
    expect(tokens.current()).toBe('hf_file');
  });

  it('is nothing when it is nowhere', async () => {
    const tokens = source({});
    expect(await tokens.refresh()).toBe(false);
    expect(tokens.current()).toBeNull();
  });

  it('is never something that cannot stand in a header', async () => {
    await save('hf_one\nX-Header: two');
    const tokens = source({});
    await tokens.refresh();
    expect(tokens.current()).toBeNull();
  });

  it('is not told in a warning about its file', async () => {
    const said: string[] = [];
    const log: Log = {
      ...silentLog,
      warn: (message, fields) => said.push(JSON.stringify([message, fields])),
    };
    await save('hf_secret1234');
    await chmod(join(directory, 'hf-token'), 0o644);
    const tokens = source({ log });
    await tokens.refresh();
    await tokens.refresh();
    expect(said).toHaveLength(1);
    expect(said.join()).toContain('can be read by others');
    expect(said.join()).not.toContain('hf_secret1234');
  });

  it('is noticed within 5 s when its file changes', async () => {
    const clock = createManualClock();
    const tokens = source({ clock });
    const stop = new AbortController();
    const changed = new Promise<string | null>((resolve) => {
      tokens.watch(stop.signal, () => resolve(tokens.current()));
    });
    await save('hf_new');
    await clock.advance(5_000);
    expect(await changed).toBe('hf_new');
    stop.abort();
  });
});
