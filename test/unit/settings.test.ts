import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/settings.ts';
import { SETTING_TABLE } from '../../src/settings-table.ts';

const errorsOf = (environment: Record<string, string>) => {
  const result = loadSettings(environment);
  return 'errors' in result ? result.errors : [];
};
const settingsOf = (environment: Record<string, string>) => {
  const result = loadSettings(environment);
  if ('errors' in result) throw new Error(result.errors.join('\n'));
  return result.settings;
};

describe('settings', () => {
  it('has the documented paths and ports as defaults', () => {
    expect(settingsOf({})).toEqual({
      template: null,
      composeFile: '/opt/ai-sandbox/docker-compose.yml',
      listen: { host: '127.0.0.1', port: 9000 },
      socketPath: '/run/ai-sandbox/control.sock',
      settingsFile: null,
      stateDirectory: '/var/lib/ai-sandbox',
      logDirectory: '/var/log/ai-sandbox',
      motdFile: '/etc/motd',
      credentialsUser: null,
      console: null,
      metadataUrl: 'http://169.254.169.254',
      dockerSocket: '/var/run/docker.sock',
      hubEndpoint: 'https://huggingface.co',
      hubToken: null,
      hubTokenFile: '/etc/ai-sandbox/hf-token',
      hubCaFile: null,
      pinnedModelId: null,
      silenceLimitMs: 600_000,
      diskReserveBytes: 5 * 1024 ** 3,
      downloadBytesPerSecond: null,
      logLevel: 'info',
    });
  });

  it('treats an empty variable as not set', () => {
    expect(settingsOf({ AI_SANDBOX_LISTEN: '', MODEL_ID: ' ' }).listen.port).toBe(9000);
  });

  it.each([
    ['AI_SANDBOX_COMPOSE_FILE', 'docker-compose.yml'],
    ['AI_SANDBOX_LISTEN', '0.0.0.0:9000'],
    ['AI_SANDBOX_LISTEN', '127.0.0.1'],
    ['AI_SANDBOX_LISTEN', '127.0.0.1:99999'],
    ['AI_SANDBOX_LISTEN', '127.0.0.1:0'],
    ['AI_SANDBOX_SOCKET', `/${'x'.repeat(107)}`],
    ['AI_SANDBOX_METADATA_URL', 'ftp://169.254.169.254'],
    ['DOCKER_HOST', 'tcp://127.0.0.1:2375'],
    ['DOCKER_HOST', 'ssh://host'],
    ['DOCKER_HOST', '/var/run/docker.sock'],
    ['HF_ENDPOINT', 'http://mirror.example'],
    ['HF_ENDPOINT', 'http://127.0.0.1.mirror.example'],
    ['HF_ENDPOINT', 'https://mirror.example/?query'],
    ['HF_ENDPOINT', 'mirror.example'],
    ['AI_SANDBOX_START_SILENCE_SECONDS', '10m'],
    ['AI_SANDBOX_START_SILENCE_SECONDS', '9'],
    ['AI_SANDBOX_DISK_RESERVE_BYTES', '-1'],
    ['AI_SANDBOX_LOG_LEVEL', 'verbose'],
    ['MODEL_ID', 'gpt2'],
    ['MODEL_ID', 'https://hub.example/org/name'],
    ['MODEL_ID', 'org/../name'],
    ['MODEL_ID', 'org/two--dashes'],
    ['MODEL_ID', 'org/two words'],
  ])(
    'refuses %s=%s in one line that names the variable, the value and what is allowed',
    (variable, value) => {
      const errors = errorsOf({ [variable]: value });
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(variable);
      expect(errors[0]).toContain(value);
      const row = Object.values(SETTING_TABLE).find((candidate) => candidate.variable === variable);
      expect(errors[0]).toContain(row?.allowed);
    },
  );

  it('takes the id of a model, without the blanks around it', () => {
    expect(settingsOf({ MODEL_ID: ' org/name-1.0\n' }).pinnedModelId).toBe('org/name-1.0');
  });

  it('never repeats the password of an address', () => {
    const errors = errorsOf({ HF_ENDPOINT: 'https://user:password@mirror.example' });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('mirror.example');
    expect(errors[0]).not.toContain('password@');
  });

  it('never repeats a bad token', () => {
    expect(errorsOf({ HF_TOKEN: 'hf_secret with space' }).join()).not.toContain('secret');
  });

  it('accepts loopback over IPv6 and plain HTTP on a loopback hub', () => {
    const settings = settingsOf({ AI_SANDBOX_LISTEN: '[::1]:9100', HF_ENDPOINT: 'http://localhost:8080/' });
    expect(settings.listen).toEqual({ host: '::1', port: 9100 });
    expect(settings.hubEndpoint).toBe('http://localhost:8080');
  });

  it('reports every bad setting at once', () => {
    expect(errorsOf({ AI_SANDBOX_LISTEN: 'x', DOCKER_HOST: 'y', AI_SANDBOX_LOG_LEVEL: 'z' })).toHaveLength(3);
  });
});
