import { describe, expect, it } from 'vitest';
import { isSecretName, secretsAmong, secretsOfProject } from '../../../src/compose/secret-values.ts';
import { projectOf, serviceText } from '../../support/compose-input.ts';

const among = (name: string, value: string) => secretsAmong({ [name]: value }).map(([, secret]) => secret);
const ofService = (lines: string, variables: Record<string, string> = {}) =>
  secretsOfProject(projectOf(serviceText(lines), { variables }), variables);

describe('a name of a secret', () => {
  it.each([
    'VLLM_API_KEY',
    'WEBUI_SECRET_KEY',
    'WEBUI_ADMIN_PASSWORD',
    'HF_TOKEN',
    'SMTP_PASS',
    'REDIS_PASS',
    'MYSQL_PWD',
    'REGISTRY_AUTH',
    'SENTRY_DSN',
    'DSN',
    'AWS_CREDENTIALS',
    'CREDENTIAL',
    'SSH_PASSPHRASE',
    'api_key',
  ])('is %s', (name) => expect(isSecretName(name)).toBe(true));

  it.each([
    'PWD',
    'OLDPWD',
    'PASS_THROUGH',
    'COMPASS',
    'AUTH_TYPE',
    'WEBUI_AUTH_TRUSTED_EMAIL_HEADER',
    'TOKENIZER',
    'TOKENIZERS_PARALLELISM',
    'SSL_KEYFILE',
    'API_KEY_FILE',
    'OAUTH_TOKEN_URL',
    'MODEL_ID',
  ])('is not %s', (name) => expect(isSecretName(name)).toBe(false));
});

describe('a secret', () => {
  it('is the value of such a name', () => {
    expect(among('SMTP_PASS', 'correct-horse')).toEqual(['correct-horse']);
    expect(among('SMTP_HOST', 'correct-horse')).toEqual([]);
  });

  it.each([
    '',
    'true',
    'False',
    '1',
    'none',
    'EMPTY',
    'enabled',
    'required',
    'password',
    '1234567',
    'secret',
  ])('is never the common word %j', (word) => expect(among('SOME_KEY', word)).toEqual([]));

  it.each(['db', 'localhost', 'db.internal', 'vault.example.org', 'vault.example.org:8200'])(
    'is never the name of a host: %s',
    (host) => expect(among('SOME_AUTH', host)).toEqual([]),
  );

  it.each(['hunter2', 'abcdefgh', '12345678', 'p@ss w'])('may be as short as %j', (secret) =>
    expect(among('SOME_PASS', secret)).toEqual([secret]),
  );

  it.each([
    ['postgresql://u:planted-1@h/db', ['planted-1']],
    ['postgresql+asyncpg://u:planted-1@h:5432/db?x=y', ['planted-1']],
    ['redis://:planted-1@redis:6379/0', ['planted-1']],
    ['http://u:pl%40nted-1@h', ['pl%40nted-1', 'pl@nted-1']],
    ['http://u:pl%zznted-1@h', ['pl%zznted-1']],
    ['amqp://a:planted-1@one,amqp://b:planted-2@two', ['planted-1', 'planted-2']],
    ['host=db user=u password=planted-1 dbname=x', ['planted-1']],
    ["host=db password='planted 1'", ['planted 1']],
    ['Server=db;User=u;Password=planted-1;', ['planted-1']],
    ['jdbc:postgresql://h/db?user=u&password=planted-1', ['planted-1']],
    ['https://example.org/path', []],
    ['http://user@example.org/', []],
    ['redis://:true@redis:6379/0', []],
  ])('is the password inside of %s', (value, secrets) =>
    expect([...new Set(among('DATABASE_URL', value))]).toEqual(secrets),
  );

  it('is found in a long value without an end in a moment', () => {
    const long = 'a'.repeat(200_000);
    const began = performance.now();
    among('DATABASE_URL', `${long}://${long}:${long}`);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('the secrets of a project', () => {
  it.each([
    ['[org/name, --api-key, planted-1]', ['planted-1']],
    ['[org/name, --api-key, planted-1, planted-2, --port, "8000"]', ['planted-1', 'planted-2']],
    ['org/name --api-key=planted-1 --port 8000', ['planted-1']],
    ['--api-key "two words"', ['two words']],
    ['[sh, -c, "exec vllm serve org/name --api-key planted-1"]', ['planted-1']],
    ['[sh, -c, "VLLM_API_KEY=planted-1 exec vllm serve org/name"]', ['planted-1']],
    ['--hf-token hf_planted --ssl-keyfile /etc/ssl/planted.pem', ['hf_planted']],
    ['--tokenizer org/name-of-tokenizer --max-num-batched-tokens 16384', []],
    ['--redis redis://u:planted-1@redis/0', ['planted-1']],
  ])('stand on a command line: %s', (command, secrets) =>
    expect(ofService(`command: ${command}`)).toEqual(secrets),
  );

  it('stand in the entrypoint, the environment and what expressions see', () => {
    expect(
      ofService(
        'entrypoint: [run, --password, planted-1]\nenvironment: {A_TOKEN: planted-2, B: open-value}',
        {
          C_PASS: 'planted-3',
        },
      ).sort(),
    ).toEqual(['planted-1', 'planted-2', 'planted-3']);
  });

  it('are never what is named openly: the model, services, containers, images', () => {
    const lines = 'container_name: the-container\ncommand: --api-key org/model a box the-container planted-1';
    expect(ofService(lines, { MODEL_ID: 'org/model', SOME_KEY: 'org/model' })).toEqual(['planted-1']);
  });
});
