import { describe, expect, it } from 'vitest';
import { longer, NO_REST, standstill } from '../../../../src/model/download/rest.ts';
import { ModelError } from '../../../../src/model/types.ts';

const refusal = new ModelError({ code: 'hub_rate_limited', detail: '429' }, 60, 'file-host');
const asked = (untilMs: number) => ({ untilMs, refusal });
const ours = (untilMs: number) => ({ untilMs, refusal: null });

describe('a rest', () => {
  it('is the longer one of two', () => {
    expect(longer(NO_REST, asked(5))).toEqual(asked(5));
    expect(longer(asked(6), ours(5))).toEqual(asked(6));
  });

  it('is told of with the seconds until the first file may go on', () => {
    expect(standstill([asked(90_000), asked(60_500)], 1_000)).toMatchObject({
      finding: { code: 'hub_rate_limited' },
      retryAfterSeconds: 60,
      waitFor: 'file-host',
    });
  });

  it('is not told of where a file may go on, or after a short pause of our own', () => {
    expect(standstill([], 0)).toBeNull();
    expect(standstill([NO_REST, asked(60_000)], 1_000)).toBeNull();
    expect(standstill([ours(2_000), asked(60_000)], 1_000)).toBeNull();
    expect(standstill([asked(60_000)], 60_000)).toBeNull();
  });
});
