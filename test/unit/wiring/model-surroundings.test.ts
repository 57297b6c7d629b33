import { describe, expect, it } from 'vitest';
import type { ComposeProject, ServiceSpec } from '../../../src/compose/service-spec.ts';
import { type GpuFacts, UNKNOWN_GPU } from '../../../src/host/gpu.ts';
import { createModelSurroundings } from '../../../src/wiring/model-surroundings.ts';
import { pullView, readyService, stoppedService } from '../../support/status-facts.ts';

const GIB = 1024 ** 3;
const ADA: GpuFacts = { ...UNKNOWN_GPU, name: 'Ada', memoryBytes: 20 * GIB, computeCapability: '8.9' };

function project(api: Partial<ServiceSpec>): ComposeProject {
  const service = {
    name: 'api',
    image: 'acme/api:1',
    command: ['org/name'],
    environment: {},
    deviceRequests: [{ driver: 'nvidia', count: -1, deviceIds: [], capabilities: ['gpu'], options: {} }],
    runtime: null,
    memoryLimitBytes: null,
    imageBytes: 10e9,
    ...api,
  };
  return { services: [service] } as unknown as ComposeProject;
}

function make(gpus: GpuFacts[] | null, instanceType: string | null = null) {
  const told: number[] = [];
  const made = createModelSurroundings({
    gpus: { read: async () => ({ gpus, failure: null }) },
    instanceType: () => instanceType,
    onChange: () => told.push(1),
  });
  return { made, told };
}

const docker = { version: '28', api_version: '1.48', reachable: true };
const imageDirectory = '/mnt/docker';

describe('what surrounds a model', () => {
  it('is the GPUs that the service is given', async () => {
    const { made } = make([ADA, ADA, ADA]);
    made.setProject(project({}));
    await made.refresh();
    expect(made.get().gpus).toHaveLength(3);
    const two = { driver: 'nvidia', count: 2, deviceIds: [], capabilities: ['gpu'], options: {} };
    made.setProject(project({ deviceRequests: [two] }));
    expect(made.get().gpus).toHaveLength(2);
    made.setProject(project({ deviceRequests: [{ ...two, count: null, deviceIds: ['1'] }] }));
    expect(made.get().gpus).toHaveLength(1);
  });

  it('is the cards of the plan while the driver is still on its way', async () => {
    const { made } = make(null, 'g2-gpu-rtx4000a2-s');
    made.setProject(project({}));
    await made.refresh();
    expect(made.get().gpus).toMatchObject([{ memoryBytes: 20 * GIB }, { memoryBytes: 20 * GIB }]);
    expect(make(null).made.get().gpus).toBeNull();
  });

  it('is the memory of the machine, or less where the container is limited', () => {
    const { made } = make([]);
    made.setProject(project({ deviceRequests: [], memoryLimitBytes: GIB }));
    expect(made.get()).toMatchObject({ ramBytes: GIB, engine: { wantsGpu: false } });
  });

  it('is the images that are still to come, by what of them has arrived', async () => {
    const { made } = make([]);
    made.setProject(project({}));
    const view = stoppedService({ waiting_for: 'image', pull: pullView(1, 4) });
    made.look({ services: { api: view }, docker, imageDirectory });
    expect(made.get().claims).toEqual([
      { directory: '/mnt/docker', bytes: 7.5e9, what: 'the image acme/api:1' },
    ]);
    made.look({ services: { api: readyService() }, docker, imageDirectory });
    expect(made.get().claims).toEqual([]);
    // An engine that is away for a moment has not lost its images.
    made.look({
      services: { api: stoppedService({ waiting_for: 'docker' }) },
      docker: { ...docker, reachable: false },
      imageDirectory,
    });
    expect(made.get().claims).toEqual([]);
  });

  it('is the whole images until Docker tells of them, and is told again when it does', async () => {
    const { made, told } = make([]);
    made.setProject(project({}));
    const whole = { bytes: 10e9, what: 'the image acme/api:1' };
    expect(made.get().claims).toEqual([{ directory: '/var/lib/docker', ...whole }]);
    made.look({ services: {}, docker, imageDirectory });
    expect(made.get().claims).toEqual([{ directory: '/mnt/docker', ...whole }]);
    const before = told.length;
    made.look({ services: { api: readyService() }, docker, imageDirectory });
    expect(made.get().claims).toEqual([]);
    expect(told).toHaveLength(before + 1);
  });

  it('is told only when it is another', async () => {
    const { made, told } = make([ADA]);
    made.setProject(project({}));
    made.setProject(project({}));
    expect(told).toHaveLength(1);
    await made.refresh();
    await made.refresh();
    expect(told).toHaveLength(2);
  });
});
