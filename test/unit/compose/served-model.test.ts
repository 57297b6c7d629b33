import { describe, expect, it } from 'vitest';
import { applyOverrides } from '../../../src/compose/overrides.ts';
import { containerPort, hostMountSource, servedModelName } from '../../../src/compose/served-model.ts';
import { serviceOf } from '../../support/compose-input.ts';

describe('the name under which a model is served', () => {
  it.each([
    ['[o/n, --served-model-name, short]', 'short'],
    ['[o/n, --served-model-name=short]', 'short'],
    ['[o/n, --served-model-name, first, --served-model-name, last]', 'last'],
    ['[o/n, --served_model_name, short]', 'short'],
    ['[o/n, --served_model_name=short]', 'short'],
    ['[o/n, --served_model_name=a_b]', 'a_b'],
    ['[o/n, --served-model-name, first, --served_model_name=last]', 'last'],
    ['[--model, o/n]', 'o/n'],
    ['[--model=o/n, --port, "1"]', 'o/n'],
    ['[o/n]', 'o/n'],
    ['[serve, o/n, --port, "1"]', 'o/n'],
    ['[vllm, serve, o/n]', 'o/n'],
    ['[uv, run, vllm, serve, o/n]', 'o/n'],
    ['[/bin/bash, -c, "vllm serve o/n"]', null],
    ['bash -c "vllm serve o/n"', null],
    ['[python3, -m, vllm.entrypoints.openai.api_server]', null],
    ['[python3, -m, vllm.entrypoints.openai.api_server, --model, o/n]', 'o/n'],
    ['["vllm serve o/n"]', null],
    ['[--port, "1"]', null],
    ['[o/n, --served-model-name]', 'o/n'],
    ['[]', null],
  ])('of %s is %j', (command, name) => {
    expect(servedModelName(serviceOf(`command: ${command}`))).toBe(name);
  });

  it('is unknown where the image says what runs', () => {
    expect(servedModelName(serviceOf(''))).toBeNull();
  });
});

describe('the port of a service', () => {
  it('is --port, then the first published one, then the first exposed one, then what its program uses', () => {
    const of = (lines: string, name = 'a') => containerPort({ ...serviceOf(lines), name });
    expect(of('command: [x, --port, "9"]\nports: ["1:80"]')).toBe(9);
    expect(of('command: [x, --port=9]')).toBe(9);
    expect(of('command: [x, --port, no]\nports: ["1:53/udp", "1:81"]')).toBe(81);
    expect(of('command: [x]\nexpose: ["53/udp", "82/tcp"]', 'api')).toBe(82);
    const own = 'environment: {PORT: "9"}\nports: ["1:81"]';
    expect([of(own, 'ui'), of(own, 'api')]).toEqual([9, 81]);
    expect([of('', 'api'), of('', 'ui'), of('')]).toEqual([8000, 8080, 80]);
  });
});

describe('the host directory behind a path of the container', () => {
  it('is the source of the bind mount there, and of nothing else', () => {
    const service = serviceOf('volumes: ["/opt/models:/root/.cache/huggingface", "/anonymous"]\ntmpfs: /t');
    expect(hostMountSource(service, '/root/.cache/huggingface')).toBe('/opt/models');
    expect(hostMountSource(service, '/anonymous')).toBeNull();
    expect(hostMountSource(service, '/t')).toBeNull();
    expect(hostMountSource(service, '/root')).toBeNull();
  });
});

describe('overrides', () => {
  const command = (before: string, overrides: Record<string, string>) =>
    applyOverrides(serviceOf(`command: ${before}`), overrides).command;

  it('replace the value of a flag in its place, in both forms', () => {
    expect(command('[m, --max-model-len, auto, --x]', { '--max-model-len': '8' })).toEqual([
      'm',
      '--max-model-len',
      '8',
      '--x',
    ]);
    expect(command('[m, --max-model-len=auto, --x]', { '--max-model-len': '8' })).toEqual([
      'm',
      '--max-model-len',
      '8',
      '--x',
    ]);
  });

  it('replace it also where it is spelt with underscores, instead of adding it once more', () => {
    const replaced = ['m', '--max-model-len', '8', '--x'];
    expect(command('[m, --max_model_len, auto, --x]', { '--max-model-len': '8' })).toEqual(replaced);
    expect(command('[m, --max_model_len=auto, --x]', { '--max-model-len': '8' })).toEqual(replaced);
  });

  it('add a flag that is not there, in one order whatever the order of the overrides', () => {
    const both = ['m', '--a', '1', '--b', '2'];
    expect(command('[m]', { '--b': '2', '--a': '1' })).toEqual(both);
    expect(command('[m]', { '--a': '1', '--b': '2' })).toEqual(both);
  });

  it('know flags without value, and values that are negative numbers', () => {
    expect(command('[m, --eager, --x, "-1"]', { '--eager': '', '--x': '2' })).toEqual([
      'm',
      '--eager',
      '--x',
      '2',
    ]);
    expect(command('[m]', { '--eager': '' })).toEqual(['m', '--eager']);
  });

  it('change nothing when applied twice, and leave the service they were given', () => {
    const service = serviceOf('command: [m]');
    const once = applyOverrides(service, { '--a': '1' });
    expect(applyOverrides(once, { '--a': '1' })).toEqual(once);
    expect(service.command).toEqual(['m']);
  });

  it('make a command where the file has none', () => {
    expect(applyOverrides(serviceOf(''), { '--a': '1' }).command).toEqual(['--a', '1']);
  });
});
