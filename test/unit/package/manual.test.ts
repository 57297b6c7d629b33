import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../scripts/lib/default-settings.ts';
import { bashCompletion, manualPage } from '../../../scripts/lib/manual.ts';
import { COMMANDS } from '../../../src/cli/run.ts';
import { parseUnitEnvironment } from '../../../src/host/environment-file.ts';
import { SETTING_TABLE } from '../../../src/settings-table.ts';

const settings = Object.values(SETTING_TABLE);

describe('the manual page', () => {
  const page = manualPage(COMMANDS, settings, '1.2.3', '2026-03-04');
  const plain = page.replaceAll('\\-', '-');

  it('has every command with its options, every setting and every exit code', () => {
    for (const { name, summary, optionHelp } of COMMANDS) {
      expect(plain).toContain(`.B ${name}`);
      expect(plain.toLowerCase()).toContain(summary.toLowerCase());
      for (const [option] of optionHelp) expect(plain).toContain(`.B ${option}`);
    }
    for (const { variable } of settings) expect(plain).toContain(`.B ${variable}`);
    expect(plain).toContain('.B 78');
  });

  it('is ASCII, and no line of text is taken for a request', () => {
    expect(page).toMatch(/^[\n -~]*$/);
    for (const line of page.split('\n')) {
      expect(line).toMatch(/^(\.(TH|SH|TP|B|I|RI|BR|RS|RE|br)( |$)|[^.'])|^$/);
    }
  });
});

describe('the completion for bash', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'completion-'));
    writeFileSync(join(folder, 'completion'), bashCompletion(COMMANDS));
    writeFileSync(
      join(folder, 'docker-compose.yml'),
      'name: x\nservices:\n  # a comment\n  api:\n    image: y\n  second_one:\n    image: z\nnetworks:\n  default:\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  /** What TAB offers after the last word of a line. */
  const offers = (...words: string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        '. "$0"/completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ai_sandbox; echo "${COMPREPLY[*]}"',
        folder,
        ...words,
      ],
      {
        encoding: 'utf8',
        env: { ...process.env, AI_SANDBOX_COMPOSE_FILE: join(folder, 'docker-compose.yml') },
      },
    )
      .trim()
      .split(' ');

  it('offers the commands, of two words the first', () => {
    expect(offers('ai-sandbox', '')).toEqual(
      expect.arrayContaining(['status', 'restart', 'model', 'reload']),
    );
    expect(offers('ai-sandbox', 'sta')).toEqual(['status', 'start']);
  });

  it('offers the second word', () => {
    expect(offers('ai-sandbox', 'config', 'c')).toEqual(['check']);
  });

  it('offers the services of the compose file', () => {
    expect(offers('ai-sandbox', 'stop', '')).toEqual(['--help', 'api', 'second_one']);
  });

  it('offers the options', () => {
    expect(offers('ai-sandbox', 'logs', '--t')).toEqual(['--tail']);
  });
});

it('the installed settings name every setting, and set none', () => {
  const text = defaultSettings('# header\n', settings);
  expect(parseUnitEnvironment(text)).toEqual({});
  expect(text).toContain('\n#AI_SANDBOX_LISTEN=127.0.0.1:9000\n');
  const uncommented = parseUnitEnvironment(text.replace(/^#([A-Z_]+=)/gm, '$1'));
  for (const { variable, default: value } of settings) {
    if (variable in uncommented) expect(uncommented[variable]).toBe(value);
  }
  expect(Object.keys(uncommented).length).toBeGreaterThan(10);
});
