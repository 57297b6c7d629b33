import { readFile } from 'node:fs/promises';
import { parseUnitEnvironment } from './host/environment-file.ts';
import { errorCode, errorMessage } from './lib/errors.ts';
import { loadSettings, type Settings } from './settings.ts';
import { SETTING_TABLE } from './settings-table.ts';

/** Settings that are looked at each time they are used; every other one is built into the daemon at its start. */
const AT_RUN_TIME = ['logLevel', 'hubToken', 'silenceLimitMs'] as const satisfies (keyof Settings)[];

/** What reading the settings again has brought. */
export interface SettingsChange {
  /** Variables whose new value is in force now. */
  applied: string[];
  /** Why the rest is not: one sentence each; empty when everything is in force. */
  complaints: string[];
}

/** Parts of {@link createSettingsReload}. */
export interface SettingsReloadParts {
  /** The file behind the environment; null where there is none: then nothing can have changed. */
  file: string | null;
  /** The daemon's own environment; what the file says is brought into it, so that everybody who looks there sees it. */
  environment: Record<string, string | undefined>;
  /** The settings in force; those that may change at run time are changed in place. */
  settings: Settings;
}

/**
 * Remembers what the file said at the start and returns the function that reads it again. A file with a bad value changes
 * nothing. What does not come from the file (a drop-in of the unit) stays as it was. The function never rejects.
 */
export async function createSettingsReload(
  parts: SettingsReloadParts,
): Promise<() => Promise<SettingsChange>> {
  const { environment, settings } = parts;
  let before = parts.file === null ? {} : await readSettings(parts.file).catch(() => ({}));

  return async () => {
    if (parts.file === null) return { applied: [], complaints: [] };
    let after: Record<string, string>;
    try {
      after = await readSettings(parts.file);
    } catch (error) {
      return { applied: [], complaints: [`${parts.file} cannot be read: ${errorMessage(error)}`] };
    }
    const next = withFile(environment, before, after);
    const loaded = loadSettings(next);
    if ('errors' in loaded) return { applied: [], complaints: loaded.errors };
    const changed = (Object.keys(SETTING_TABLE) as (keyof Settings)[]).filter(
      (name) => JSON.stringify(loaded.settings[name]) !== JSON.stringify(settings[name]),
    );
    const live = AT_RUN_TIME.filter((name) => changed.includes(name));
    const fixed = changed.filter((name) => !live.some((other) => other === name));
    before = after;
    replace(environment, next);
    for (const name of live) Object.assign(settings, { [name]: loaded.settings[name] });
    return {
      applied: live.map((name) => SETTING_TABLE[name].variable),
      complaints: fixed.map(
        (name) =>
          `${SETTING_TABLE[name].variable} takes effect only with: systemctl restart ai-sandbox (the containers go on running)`,
      ),
    };
  };
}

/** A missing file sets nothing, as with `EnvironmentFile=-`. */
async function readSettings(file: string): Promise<Record<string, string>> {
  try {
    return parseUnitEnvironment(await readFile(file, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw error;
  }
}

/** The environment with what the file says now in place of what it said before. */
function withFile(
  environment: Readonly<Record<string, string | undefined>>,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const others = Object.entries(environment).filter(([name, value]) => before[name] !== value);
  return { ...Object.fromEntries(others), ...after };
}

function replace(
  environment: Record<string, string | undefined>,
  next: Readonly<Record<string, string | undefined>>,
): void {
  for (const name of Object.keys(environment)) if (!Object.hasOwn(next, name)) delete environment[name];
  Object.assign(environment, next);
}
