import { describe, expect, it } from 'vitest';
import { compareVersions, negotiateVersion } from '../../../src/docker/api-version.ts';

describe('the API version that is spoken', () => {
  it.each([
    ['20.10', '1.41', '1.12', '1.41'],
    ['25', '1.44', '1.24', '1.44'],
    ['27', '1.47', '1.24', '1.47'],
    ['29', '1.52', '1.44', '1.47'],
    ['a later one', '1.56', '1.44', '1.47'],
    ['one that dropped ours', '1.60', '1.50', '1.50'],
  ])('for Docker %s (%s, at least %s) is %s', (_name, newest, oldest, spoken) => {
    expect(negotiateVersion({ ApiVersion: newest, MinAPIVersion: oldest })?.spoken).toBe(spoken);
  });

  it('is chosen without an oldest version too', () => {
    expect(negotiateVersion({ Version: '1.9', ApiVersion: '1.21' })).toEqual({
      spoken: '1.21',
      engineVersion: '1.9',
      newest: '1.21',
    });
  });

  it.each([null, 'OK', {}, { ApiVersion: 1.41 }, { ApiVersion: '../../x' }, []])(
    'is unknown for the answer %j',
    (answer) => {
      expect(negotiateVersion(answer)).toBeNull();
    },
  );

  it('compares numbers, not texts', () => {
    expect(compareVersions('1.9', '1.41')).toBeLessThan(0);
    expect(compareVersions('2.0', '1.99')).toBeGreaterThan(0);
    expect(compareVersions('1.41', '1.41')).toBe(0);
  });
});
