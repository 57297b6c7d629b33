import type { SettingRow } from '../../src/settings-table.ts';

/** Settings that have a better place on a server, or are the unit's own. */
const NOT_SHOWN: readonly string[] = ['HF_TOKEN', 'AI_SANDBOX_SETTINGS_FILE'];

/** The file of settings as it is installed: every setting with its meaning and default, none of them set. */
export function defaultSettings(header: string, settings: readonly SettingRow[]): string {
  const entries = settings
    .filter(({ variable }) => !NOT_SHOWN.includes(variable))
    .map(
      (row) =>
        `# ${row.meaning.replaceAll('`', '')}\n# Allowed: ${row.allowed}\n#${row.variable}=${row.default}\n`,
    );
  return [header, ...entries].join('\n');
}
