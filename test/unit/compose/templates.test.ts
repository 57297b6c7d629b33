import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readComposeProject } from '../../../src/compose/read-project.ts';
import { hostMountSource, servedModelName } from '../../../src/compose/served-model.ts';
import type { ComposeProject, ServiceSpec } from '../../../src/compose/service-spec.ts';

const SECRETS = {
  MODEL_ID: 'org/name',
  VLLM_API_KEY: 'key-of-the-api',
  WEBUI_SECRET_KEY: 'key-of-the-page',
  WEBUI_ADMIN_EMAIL: 'admin@example.org',
  WEBUI_ADMIN_PASSWORD: 'password-of-the-page',
};

function read(template: string, variables: Record<string, string>) {
  return readComposeProject({
    file: `/opt/ai-sandbox/${template}`,
    text: readFileSync(new URL(`../../../compose/${template}`, import.meta.url), 'utf8'),
    variables,
    readFile: () => null,
  });
}

function project(template: string, variables: Record<string, string> = SECRETS): ComposeProject {
  const result = read(template, variables);
  if ('errors' in result) throw new Error(JSON.stringify(result.errors, null, 1));
  return result.project;
}

function service(name: string, of: ComposeProject): ServiceSpec {
  const found = of.services.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}

describe.each(['docker-compose.yml', 'docker-compose.cpu.yml'])('the shipped %s', (template) => {
  test('names the project, the containers and the network of an installed ai-sandbox', () => {
    const made = project(template);
    expect(made.name).toBe('ai-sandbox');
    expect(made.services.map((each) => each.containerName)).toEqual(['ai-sandbox-api', 'ai-sandbox-ui']);
    expect(made.networks.map((network) => network.name)).toEqual(['ai-sandbox-network']);
  });

  test('has nothing that must be explained', () => {
    expect(project(template).notices).toEqual([]);
  });

  test('names the model first and serves it under its own name', () => {
    const api = service('api', project(template));
    expect(api.command?.slice(0, 3)).toEqual(['org/name', '--served-model-name', 'org/name']);
    expect(servedModelName(api)).toBe('org/name');
    expect(api.command).not.toContain('');
  });

  test('takes more options of vLLM from API_ARGUMENTS', () => {
    const api = service('api', project(template, { ...SECRETS, API_ARGUMENTS: '--enforce-eager --seed 1' }));
    expect(api.command?.slice(-3)).toEqual(['--enforce-eager', '--seed', '1']);
  });

  test('mounts models, compiled graphs and chats from the host', () => {
    const made = project(template);
    expect(hostMountSource(service('api', made), '/root/.cache/huggingface')).toBe('/opt/models');
    expect(hostMountSource(service('api', made), '/root/.cache/vllm')).toBe('/var/cache/ai-sandbox/vllm');
    expect(hostMountSource(service('ui', made), '/app/backend/data')).toBe('/opt/open-webui');
  });

  test('publishes on loopback only', () => {
    const ports = project(template).services.flatMap((each) => each.ports);
    expect(ports.map((port) => [port.hostIp, port.published, port.target])).toEqual([
      ['127.0.0.1', 8000, 8000],
      ['127.0.0.1', 3000, 8080],
    ]);
  });

  test('gives the same key to both, and the page nothing but its own secrets', () => {
    const made = project(template);
    expect(service('api', made).environment['VLLM_API_KEY']).toBe('key-of-the-api');
    expect(service('ui', made).environment['OPENAI_API_KEY']).toBe('key-of-the-api');
    expect(Object.values(service('api', made).environment)).not.toContain('key-of-the-page');
  });

  test('can run beside an installed one under another project, ports and folders', () => {
    const made = project(template, {
      ...SECRETS,
      PROJECT: 'demo',
      API_PORT: '18000',
      UI_PORT: '13000',
      MODELS_DIR: '/var/tmp/demo/models',
      CHATS_DIR: '/var/tmp/demo/chats',
      COMPILE_CACHE_DIR: '/var/tmp/demo/compiled',
      API_IMAGE: 'example/vllm:1',
      UI_IMAGE: 'example/open-webui:1',
    });
    const text = JSON.stringify(made);
    expect(made.name).toBe('demo');
    expect(made.services.map((each) => each.image)).toEqual(['example/vllm:1', 'example/open-webui:1']);
    expect(made.services.map((each) => each.ports[0]?.published)).toEqual([18000, 13000]);
    expect(text).not.toMatch(/\/opt\/(?:models|open-webui)|"ai-sandbox/);
  });

  test.each(Object.keys(SECRETS))('says that %s is missing', (name) => {
    const { [name as keyof typeof SECRETS]: _, ...others } = SECRETS;
    const result = read(template, others);
    expect('errors' in result ? result.errors.map((error) => error.message).join('\n') : '').toContain(name);
  });

  test('pins every image to a version', () => {
    for (const each of project(template).services) expect(each.image).toMatch(/:v\d+\.\d+\.\d+/);
  });
});

test('only the file for GPUs asks for GPUs', () => {
  expect(service('api', project('docker-compose.yml')).deviceRequests).toMatchObject([
    { driver: 'nvidia', count: -1 },
  ]);
  expect(service('api', project('docker-compose.cpu.yml')).deviceRequests).toEqual([]);
});
