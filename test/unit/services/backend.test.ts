import { describe, expect, test } from 'vitest';
import { pointsToApi } from '../../../src/services/backend.ts';
import { service } from './support.ts';

const API = service('api', { environment: { VLLM_API_KEY: 'key' } });
const points = (environment: Record<string, string>, api = API) =>
  pointsToApi(service('ui', { environment }), api);

describe('the page is set to talk to the engine of the file', () => {
  test.each(['http://api:8000/v1', 'http://ai-sandbox-api:8000/v1/', 'http://host.docker.internal:8000/v1'])(
    'at %s',
    (url) => {
      expect(points({ OPENAI_API_BASE_URL: url, OPENAI_API_KEY: 'key' })).toBe(true);
    },
  );

  test('as one of several backends, each with its own key', () => {
    const OPENAI_API_BASE_URLS = 'https://api.openai.com/v1;http://api:8000/v1';
    expect(points({ OPENAI_API_BASE_URLS, OPENAI_API_KEYS: 'other;key' })).toBe(true);
    expect(points({ OPENAI_API_BASE_URLS, OPENAI_API_KEYS: 'key;other' })).toBe(false);
  });

  test('without a key where the engine wants none', () => {
    expect(points({ OPENAI_API_BASE_URL: 'http://api:8000/v1' }, service('api'))).toBe(true);
  });

  test('at the port that the engine is told', () => {
    const api = service('api', { command: ['org/name', '--port', '9001'] });
    expect(points({ OPENAI_API_BASE_URL: 'http://api:9001/v1' }, api)).toBe(true);
    expect(points({ OPENAI_API_BASE_URL: 'http://api:8000/v1' }, api)).toBe(false);
  });
});

describe('the page is set to talk to something else', () => {
  test.each<[string, Record<string, string>]>([
    ['nothing is said', {}],
    ['another machine', { OPENAI_API_BASE_URL: 'https://api.openai.com/v1', OPENAI_API_KEY: 'key' }],
    ['itself', { OPENAI_API_BASE_URL: 'http://localhost:8000/v1', OPENAI_API_KEY: 'key' }],
    ['another key', { OPENAI_API_BASE_URL: 'http://api:8000/v1', OPENAI_API_KEY: 'other' }],
    ['no address', { OPENAI_API_BASE_URL: 'api', OPENAI_API_KEY: 'key' }],
    [
      'switched off',
      { OPENAI_API_BASE_URL: 'http://api:8000/v1', OPENAI_API_KEY: 'key', ENABLE_OPENAI_API: 'False' },
    ],
  ])('%s', (_title, environment) => {
    expect(points(environment)).toBe(false);
  });
});
