import { describe, expect, it } from 'vitest';
import { GPU_PLANS, gpuPlan, totalGpuMemoryBytes } from '../../../src/host/gpu-plans.ts';

describe('the table of GPU plans', () => {
  it('names every plan once, by an id that carries the number of its cards', () => {
    const ids = GPU_PLANS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, gpuCount } of GPU_PLANS) {
      expect(id).toMatch(new RegExp(`(?:rtx4000a${gpuCount}-|rtx6000-${gpuCount}$|blackwell-${gpuCount}$)`));
    }
  });

  it('knows the memory of one card and of all of them', () => {
    const plan = gpuPlan('g2-gpu-rtx4000a4-s');
    expect(plan?.gpuMemoryBytes).toBe(20 * 1024 ** 3);
    expect(plan === null ? null : totalGpuMemoryBytes(plan)).toBe(80 * 1024 ** 3);
  });

  it('has no answer for a plan that it does not know, and for none', () => {
    expect(gpuPlan('g9-gpu-unheard-of-1')).toBeNull();
    expect(gpuPlan(null)).toBeNull();
  });
});
