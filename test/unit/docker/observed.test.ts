import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEngineInfo, unsupportedReason } from '../../../src/docker/engine-info.ts';
import { parseEvent } from '../../../src/docker/event-message.ts';
import { logParameters } from '../../../src/docker/logs.ts';
import { parseContainer } from '../../../src/docker/observed-container.ts';

const INSPECT = {
  Id: 'c0ffee',
  Name: '/ai-sandbox-api',
  Created: '2026-01-02T03:04:05.6Z',
  Image: 'sha256:1',
  State: {
    Status: 'running',
    ExitCode: 0,
    OOMKilled: false,
    Error: '',
    Pid: 42,
    StartedAt: '2026-01-02T03:04:06.7Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: { Image: 'vllm:1', Labels: { a: 'b' }, Tty: false },
  HostConfig: { RestartPolicy: { Name: '' }, LogConfig: { Type: 'local' } },
  Mounts: [
    { Type: 'bind', Source: '/opt/models', Destination: '/root/.cache/huggingface', RW: true },
    { Type: 'volume', Name: 'v', Source: '/x', Destination: '/y', RW: false },
  ],
  NetworkSettings: {
    Ports: { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '18000' }], '9/udp': null },
    Networks: { 'ai-sandbox-network': { IPAddress: '10.0.0.2' }, idle: { IPAddress: '' } },
  },
};

describe('a container as the engine describes it', () => {
  it('is reduced to what decisions need', () => {
    expect(parseContainer(INSPECT)).toEqual({
      id: 'c0ffee',
      name: 'ai-sandbox-api',
      labels: { a: 'b' },
      image: 'vllm:1',
      imageId: 'sha256:1',
      state: 'running',
      exitCode: 0,
      oomKilled: false,
      error: '',
      startedAt: '2026-01-02T03:04:06.7Z',
      finishedAt: null,
      createdAt: '2026-01-02T03:04:05.6Z',
      restartPolicy: 'no',
      health: 'none',
      pid: 42,
      tty: false,
      logDriver: 'local',
      addresses: { 'ai-sandbox-network': '10.0.0.2' },
      publishedPorts: { '8000/tcp': [{ hostIp: '127.0.0.1', hostPort: 18000 }] },
      mounts: [
        {
          type: 'bind',
          source: '/opt/models',
          destination: '/root/.cache/huggingface',
          name: null,
          writable: true,
        },
        { type: 'volume', source: '/x', destination: '/y', name: 'v', writable: false },
      ],
      networkNames: ['ai-sandbox-network', 'idle'],
    });
  });

  it('is null for anything that is not one, and never an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (answer) => {
        expect(parseContainer(answer)).toBeNull();
      }),
    );
  });
});

describe('what the engine says of itself', () => {
  const version = { spoken: '1.41', engineVersion: '20.10.24', newest: '1.41' };

  it('is reduced to what decisions need', () => {
    const info = parseEngineInfo(
      {
        ServerVersion: '29.1.0',
        DockerRootDir: '/data',
        Runtimes: { runc: {}, nvidia: {} },
        DiscoveredDevices: [{ Source: 'cdi', ID: 'nvidia.com/gpu=all' }],
        SecurityOptions: ['name=seccomp,profile=default', 'name=cgroupns'],
        DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
      },
      { ...version, newest: '1.52' },
    );
    expect(info).toEqual({
      version: '29.1.0',
      apiVersion: '1.52',
      rootDirectory: '/data',
      imageDirectory: '/var/lib/containerd',
      runtimes: ['runc', 'nvidia'],
      cdiDevices: ['nvidia.com/gpu=all'],
      securityOptions: ['seccomp', 'cgroupns'],
    });
    expect(unsupportedReason(info)).toBeNull();
  });

  it.each(['name=rootless', 'name=userns'])('names why an engine with %s is not supported', (option) => {
    const info = parseEngineInfo({ SecurityOptions: ['name=seccomp', option] }, version);
    expect(unsupportedReason(info)?.code).toBe('engine_unsupported');
  });
});

describe('an event of the engine', () => {
  const actor = { ID: 'c0ffee', Attributes: { exitCode: '137', name: 'api' } };
  const expected = {
    type: 'container',
    action: 'die',
    containerId: 'c0ffee',
    attributes: { exitCode: '137', name: 'api' },
    atMs: 1_772_600_400_123.5,
  };
  const timeNano = 1_772_600_400_123_500_000;

  it('is read with and without the fields that API 1.52 dropped', () => {
    expect(parseEvent({ Type: 'container', Action: 'die', Actor: actor, timeNano })).toEqual(expected);
    const older = {
      status: 'die',
      id: 'c0ffee',
      from: 'vllm',
      Type: 'container',
      Action: 'die',
      Actor: actor,
      timeNano,
    };
    expect(parseEvent(older)).toEqual(expected);
    expect(parseEvent({ Type: 'container', Action: 'die', Actor: actor })?.atMs).toBeNull();
  });

  it.each([
    null,
    'die',
    { Type: 'container', Action: 'die' },
    { Type: 'network', Action: 'connect', Actor: actor },
    { Type: 'container', Action: 7, Actor: actor },
  ])('is nothing when it is %j', (message) => {
    expect(parseEvent(message)).toBeNull();
  });
});

it('asks for logs since a time in the seconds that every engine reads', () => {
  expect(logParameters({ tail: 50, since: '2026-01-02T03:04:05.123456789Z', until: '1767323045.5' })).toEqual(
    {
      stdout: '1',
      stderr: '1',
      timestamps: '1',
      follow: '0',
      tail: '50',
      since: '1767323045.123456789',
      until: '1767323045.5',
    },
  );
});
