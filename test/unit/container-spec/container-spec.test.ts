import { describe, expect, it } from 'vitest';
import { specHash } from '../../../src/compose/spec-hash.ts';
import { createRequest } from '../../../src/docker/container-spec.ts';
import { networkLabels, volumeLabels } from '../../../src/docker/labels.ts';
import { projectOf, serviceText } from '../../support/compose-input.ts';

function requestOf(text: string, apiVersion = '1.41', name?: string) {
  const project = projectOf(text);
  const service =
    name === undefined ? project.services[0] : project.services.find((one) => one.name === name);
  if (service === undefined) throw new Error('no service');
  return createRequest(project, service, specHash(project, service), { apiVersion, imageId: 'sha256:abc' });
}

const TWO_NETWORKS = `${serviceText('networks: {b: {aliases: [x]}, a: }')}networks: {a: , b: {name: other}}`;

describe('the request for a new container', () => {
  it('joins one network at creation and the others later, on an engine before API 1.44', () => {
    const { body, laterNetworks } = requestOf(TWO_NETWORKS, '1.43');
    expect(body).toMatchObject({
      HostConfig: { NetworkMode: 'box_a' },
      NetworkingConfig: { EndpointsConfig: { box_a: { Aliases: ['box-a-1', 'a'] } } },
    });
    expect(laterNetworks).toEqual([{ network: 'other', endpoint: { Aliases: ['box-a-1', 'a', 'x'] } }]);
  });

  it('joins all networks at creation from API 1.44 on', () => {
    const { body, laterNetworks } = requestOf(TWO_NETWORKS, '1.44');
    expect(body['NetworkingConfig']).toEqual({
      EndpointsConfig: {
        box_a: { Aliases: ['box-a-1', 'a'] },
        other: { Aliases: ['box-a-1', 'a', 'x'] },
      },
    });
    expect(laterNetworks).toEqual([]);
  });

  it('compares versions as numbers, not as texts', () => {
    expect(requestOf(TWO_NETWORKS, '1.9').laterNetworks).toHaveLength(1);
    expect(requestOf(TWO_NETWORKS, '2.0').laterNetworks).toHaveLength(0);
  });

  it('has no endpoint where the network is that of the host or of another service', () => {
    const text = `services:
  a: {image: i, container_name: owner}
  b: {image: i, network_mode: "service:a", ipc: "service:a"}
  c: {image: i, network_mode: host}
`;
    const shared = requestOf(text, '1.41', 'b');
    expect(shared.body).toMatchObject({
      HostConfig: { NetworkMode: 'container:owner', IpcMode: 'container:owner' },
    });
    expect(shared.body).not.toHaveProperty('NetworkingConfig');
    expect(requestOf(text, '1.41', 'c').body).toMatchObject({ HostConfig: { NetworkMode: 'host' } });
  });

  it('never has a restart policy but no', () => {
    expect(requestOf(serviceText('restart: always')).body).toMatchObject({
      HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
    });
  });

  it('has the start interval of the healthcheck only where the engine knows it', () => {
    const text = serviceText('healthcheck: {test: x, start_interval: 2s, interval: 1m}');
    expect(requestOf(text, '1.44').body['Healthcheck']).toEqual({
      Test: ['CMD-SHELL', 'x'],
      Interval: 60_000_000_000,
      StartInterval: 2_000_000_000,
    });
    expect(requestOf(text, '1.43').body['Healthcheck']).not.toHaveProperty('StartInterval');
  });

  it('adds nothing to the environment that the file does not name', () => {
    expect(requestOf(serviceText('environment: {A: "1", B: }')).body['Env']).toEqual(['A=1', 'B']);
    expect(requestOf(serviceText('')).body['Env']).toEqual([]);
  });

  it('asks for a GPU by driver, count or ids, and capability', () => {
    const text = serviceText('gpus: [{driver: cdi, device_ids: ["nvidia.com/gpu=all"]}]');
    expect(requestOf(text).body).toMatchObject({
      HostConfig: {
        DeviceRequests: [
          {
            Driver: 'cdi',
            Count: 0,
            DeviceIDs: ['nvidia.com/gpu=all'],
            Capabilities: [['gpu']],
            Options: null,
          },
        ],
      },
    });
  });

  it('writes a subpath of a volume, which only the newer form of mounts knows', () => {
    const text = `${serviceText('volumes: [{type: volume, source: v, target: /v, volume: {subpath: a/b}}]')}volumes: {v: }`;
    expect(requestOf(text).body).toMatchObject({
      HostConfig: { Binds: null, Mounts: [{ Source: 'box_v', VolumeOptions: { Subpath: 'a/b' } }] },
    });
  });

  it('carries the labels by which docker compose and we find it', () => {
    const { body, name } = requestOf(serviceText('labels: {mine: x}'));
    expect(name).toBe('box-a-1');
    const labels = body['Labels'];
    expect(labels).toEqual({
      mine: 'x',
      'com.docker.compose.project': 'box',
      'com.docker.compose.service': 'a',
      'com.docker.compose.container-number': '1',
      'com.docker.compose.oneoff': 'False',
      'com.docker.compose.config-hash': expect.stringMatching(/^[0-9a-f]{64}$/),
      'com.docker.compose.project.working_dir': '/opt/box',
      'com.docker.compose.project.config_files': '/opt/box/docker-compose.yml',
      'com.docker.compose.image': 'sha256:abc',
      'com.docker.compose.depends_on': '',
      'com.docker.compose.version': '2.40.3',
      'io.ai-sandbox.spec-hash': expect.stringMatching(/^v1:[0-9a-f]{64}$/),
    });
  });
});

describe('labels of networks and volumes', () => {
  it('name the project and the key, and keep those of the file', () => {
    const project = projectOf(`${serviceText('volumes: ["v:/v"]')}volumes: {v: {labels: {mine: x}}}`);
    expect(networkLabels(project, 'default')).toMatchObject({
      'com.docker.compose.project': 'box',
      'com.docker.compose.network': 'default',
    });
    expect(volumeLabels(project, 'v')).toMatchObject({ mine: 'x', 'com.docker.compose.volume': 'v' });
  });
});
