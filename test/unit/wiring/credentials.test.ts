import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import { createCredentialsKeeper } from '../../../src/wiring/credentials.ts';
import { projectOf } from '../../support/compose-input.ts';
import { status } from '../deployment/fixtures.ts';

let directory: string;
let passwd: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'));
  passwd = join(directory, 'passwd');
  await mkdir(join(directory, 'ann'));
  await mkdir(join(directory, 'root'));
  await writeFile(
    passwd,
    `root:x:0:0:root:${directory}/root:/bin/bash\nbad line\nann:x:1001:1002:Ann,,:${directory}/ann:/bin/bash\n`,
  );
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const PROJECT = projectOf(`name: box
services:
  api: {image: i, environment: {VLLM_API_KEY: sk-1}}
  ui: {image: i, environment: {WEBUI_ADMIN_EMAIL: a@example.com, WEBUI_ADMIN_PASSWORD: secret}}
`);
const keeperFor = (user: string | null) => {
  const keeper = createCredentialsKeeper({ user, log: silentLog, passwd });
  keeper.setProject(PROJECT);
  return keeper;
};

test('the credentials are those of the services, at the addresses of the status, in the home of the user', async () => {
  const keeper = keeperFor('ann');
  expect(keeper.path()).toBeNull();
  expect(await keeper.write(status({ links: { ui: 'http://203.0.113.9:3000', api: null } }))).toBeNull();
  expect(keeper.path()).toBe(join(directory, 'ann/.credentials'));
  const text = await readFile(join(directory, 'ann/.credentials'), 'utf8');
  for (const line of [
    'Open WebUI URL: http://203.0.113.9:3000',
    'Open WebUI admin email: a@example.com',
    'Open WebUI admin password: secret',
    'API key: sk-1',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).not.toContain('API URL');
});

test('the home of root is taken for a user who is not there', async () => {
  const keeper = keeperFor('nobody-of-that-name');
  await keeper.write(status());
  expect(keeper.path()).toBe(join(directory, 'root/.credentials'));
});

test('a home that is missing is a problem until it is there', async () => {
  await rm(join(directory, 'ann'), { recursive: true });
  const keeper = keeperFor('ann');
  expect((await keeper.write(status()))?.code).toBe('credentials_not_writable');
  await mkdir(join(directory, 'ann'));
  expect(await keeper.write(status())).toBeNull();
});

test('no file is written where none is wanted', async () => {
  const keeper = keeperFor(null);
  expect([await keeper.write(status()), keeper.path()]).toEqual([null, null]);
});
