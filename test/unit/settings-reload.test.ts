import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/settings.ts';
import { createSettingsReload } from '../../src/settings-reload.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'settings-'));
  file = join(folder, 'default');
});
afterEach(() => rm(folder, { recursive: true }));

/** A daemon that was started with what the file says at first, and with `others` from elsewhere. */
async function started(text: string, others: Record<string, string> = {}) {
  await writeFile(file, text);
  const environment: Record<string, string | undefined> = {
    ...others,
    ...Object.fromEntries(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('=', 2) as [string, string]),
    ),
  };
  const loaded = loadSettings(environment);
  if ('errors' in loaded) throw new Error(loaded.errors.join());
  const { settings } = loaded;
  return { settings, environment, reload: await createSettingsReload({ file, environment, settings }) };
}

describe('reading the settings again', () => {
  it('brings what may change at run time into force', async () => {
    const { settings, environment, reload } = await started('AI_SANDBOX_LOG_LEVEL=info\n');
    await writeFile(file, 'AI_SANDBOX_LOG_LEVEL=debug\nHF_TOKEN=hf_x\nNAME_FOR_THE_COMPOSE_FILE=7\n');
    expect(await reload()).toEqual({ applied: ['AI_SANDBOX_LOG_LEVEL', 'HF_TOKEN'], complaints: [] });
    expect(settings).toMatchObject({ logLevel: 'debug', hubToken: 'hf_x' });
    expect(environment['NAME_FOR_THE_COMPOSE_FILE']).toBe('7');
  });

  it('goes back to the default when a line is taken away', async () => {
    const { settings, environment, reload } = await started('AI_SANDBOX_LOG_LEVEL=debug\n');
    await writeFile(file, '');
    expect((await reload()).applied).toEqual(['AI_SANDBOX_LOG_LEVEL']);
    expect([settings.logLevel, environment['AI_SANDBOX_LOG_LEVEL']]).toEqual(['info', undefined]);
  });

  it('complains of what needs a restart each time, until the file is as before', async () => {
    const { settings, reload } = await started('');
    await writeFile(file, 'AI_SANDBOX_LISTEN=127.0.0.1:9001\n');
    const complaint =
      'AI_SANDBOX_LISTEN takes effect only with: systemctl restart ai-sandbox (the containers go on running)';
    expect((await reload()).complaints).toEqual([complaint]);
    expect((await reload()).complaints).toEqual([complaint]);
    expect(settings.listen.port).toBe(9000);
    await writeFile(file, '');
    expect(await reload()).toEqual({ applied: [], complaints: [] });
  });

  it('changes nothing when one value is bad, and names it', async () => {
    const { settings, environment, reload } = await started('');
    await writeFile(file, 'AI_SANDBOX_LOG_LEVEL=debug\nAI_SANDBOX_LISTEN=nowhere\n');
    expect(await reload()).toEqual({
      applied: [],
      complaints: [expect.stringContaining('AI_SANDBOX_LISTEN is "nowhere"')],
    });
    expect([settings.logLevel, environment]).toEqual(['info', {}]);
  });

  it('keeps what a drop-in of the unit has set', async () => {
    const { settings, reload } = await started('', { AI_SANDBOX_LOG_LEVEL: 'warn' });
    expect(await reload()).toEqual({ applied: [], complaints: [] });
    expect(settings.logLevel).toBe('warn');
  });

  it('takes a file that is gone as an empty one', async () => {
    const { settings, reload } = await started('AI_SANDBOX_LOG_LEVEL=debug\n');
    await rm(file);
    expect((await reload()).applied).toEqual(['AI_SANDBOX_LOG_LEVEL']);
    expect(settings.logLevel).toBe('info');
  });
});
