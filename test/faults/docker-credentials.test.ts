import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentials, dockerConfigFiles } from '../../src/docker/credentials.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';

let directory: string;
let warnings: unknown[];
const redactor = createRedactor();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'docker-credentials-'));
  warnings = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, content: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function helper(name: string, script: string): Promise<void> {
  const path = await file(`docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

function credentials(...files: string[]) {
  const log: Log = { ...silentLog, warn: (message, fields) => warnings.push({ message, ...fields }) };
  const environment = { PATH: `${directory}:${process.env.PATH}` };
  return createCredentials({ clock: systemClock, redactor, log, files, environment });
}

const decode = (header: string | null) => JSON.parse(Buffer.from(header ?? '', 'base64url').toString());
const auths = (password: string) => ({
  auths: { 'r.example': { auth: Buffer.from(`me:${password}`).toString('base64') } },
});

it('looks first into the file of the daemon, then into that of the command line', () => {
  expect(dockerConfigFiles({ HOME: '/home/me' })).toEqual([
    '/etc/ai-sandbox/docker/config.json',
    '/home/me/.docker/config.json',
  ]);
  expect(dockerConfigFiles({ HOME: '/home/me', DOCKER_CONFIG: '/c' })[1]).toBe('/c/config.json');
});

describe('logins from files', () => {
  it('are taken from the first file that has one, and told to the redactor', async () => {
    const first = await file('first.json', { auths: { 'other.example': {} } });
    const second = await file('second.json', auths('password-one'));
    const header = await credentials(first, second).authHeader('r.example');
    expect(decode(header)).toMatchObject({ username: 'me', password: 'password-one' });
    expect(redactor.redact(`password-one ${header}`)).toBe('[redacted] [redacted]');
  });

  it('are read anew, so that a login counts at once', async () => {
    const path = join(directory, 'config.json');
    const both = credentials(path);
    expect(await both.authHeader('r.example')).toBeNull();
    await file('config.json', auths('password-two'));
    expect(decode(await both.authHeader('r.example')).password).toBe('password-two');
  });

  it('are missing, with a warning that shows nothing of it, when the file is broken', async () => {
    const path = await file('config.json', '{"auths": {"r.example": {"auth": "c2VjcmV0"');
    expect(await credentials(path).authHeader('r.example')).toBeNull();
    expect(warnings).toEqual([
      { message: 'a Docker config file cannot be used', file: path, reason: 'it is not JSON' },
    ]);
  });
});

describe('logins from helpers', () => {
  it('are asked for with the address on standard input', async () => {
    await helper('fixed', `read address; printf '{"Username":"%s","Secret":"from-helper"}' "$address-$1"`);
    const path = await file('config.json', { credHelpers: { 'r.example': 'fixed' } });
    expect(decode(await credentials(path).authHeader('r.example'))).toMatchObject({
      username: 'r.example-get',
      password: 'from-helper',
    });
  });

  it.each([
    ['fails', 'fails', 'echo credentials not found; exit 1', 'exit code 1'],
    ['is not installed', 'absent', null, 'spawn docker-credential-absent ENOENT'],
  ])('are missing, with a warning, when the helper %s', async (_name, name, script, reason) => {
    if (script !== null) await helper(name, script);
    const path = await file('config.json', { credsStore: name });
    expect(await credentials(path).authHeader('r.example')).toBeNull();
    expect(warnings).toMatchObject([{ error: reason }]);
  });

  it('are missing when the helper does not answer within 5 s', async () => {
    await helper('hangs', 'exec sleep 60');
    const path = await file('config.json', { credsStore: 'hangs' });
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 20, signal),
    };
    const log: Log = { ...silentLog, warn: (message, fields) => warnings.push({ message, ...fields }) };
    const environment = { PATH: `${directory}:${process.env.PATH}` };
    const slow = createCredentials({ clock, redactor, log, files: [path], environment });
    expect(await slow.authHeader('r.example')).toBeNull();
    expect(warnings).toMatchObject([{ error: 'docker-credential-hangs did not answer within 5 s' }]);
  });
});
