import { describe, expect, it } from 'vitest';
import type { ServiceSpec } from '../../../src/compose/service-spec.ts';
import { imageSpace } from '../../../src/services/image-space.ts';

const service = (name: string, image: string, imageBytes: number | null = null) =>
  ({ name, image, imageBytes }) as ServiceSpec;

describe('the space an image needs', () => {
  it('is what the file says, else 30 GB for the engine and 6 GB for the page', () => {
    const services = [service('api', 'vllm'), service('ui', 'page'), service('other', 'x')];
    expect(imageSpace({ services }, 'vllm')).toBe(30e9);
    expect(imageSpace({ services }, 'page')).toBe(6e9);
    expect(imageSpace({ services }, 'x')).toBeUndefined();
    expect(imageSpace({ services: [service('api', 'vllm', 5)] }, 'vllm')).toBe(5);
  });

  it('is the most that a service using it names', () => {
    const services = [service('a', 'x', 5), service('b', 'x', 7), service('c', 'x')];
    expect(imageSpace({ services }, 'x')).toBe(7);
  });
});
