import { describe, expect, it } from 'vitest';
import { redirectFault } from '../../../src/model/endpoint.ts';
import {
  checkPathList,
  nextPage,
  readCommit,
  readContentRange,
  readFileEntry,
  readTreePage,
} from '../../../src/model/hub-answers.ts';
import {
  fileHostRefusal,
  type HubQuestion,
  type HubRefusal,
  readRefusal,
  refusalToError,
} from '../../../src/model/hub-errors.ts';

const now = new Date('2026-01-01T00:00:00Z');
const refusal: HubRefusal = {
  status: 404,
  errorCode: null,
  errorMessage: null,
  retryAfter: null,
  rateLimit: null,
};
const question: HubQuestion = {
  endpoint: 'https://hub.example',
  id: 'org/name',
  revision: 'main',
  withToken: false,
};
const judge = (part: Partial<HubRefusal>, asked: Partial<HubQuestion> = {}) =>
  refusalToError({ ...refusal, ...part }, { ...question, ...asked }, now);

describe('refusals of a hub', () => {
  it.each([
    [{ status: 401, errorCode: 'GatedRepo' }, 'model_gated'],
    [{ status: 403, errorCode: 'GatedRepo' }, 'model_gated'],
    [{ status: 401, errorMessage: 'Invalid credentials in Authorization header' }, 'token_invalid'],
    [{ status: 401, errorCode: 'RepoNotFound' }, 'model_not_found'],
    [{ status: 401 }, 'token_missing'],
    [{ status: 403, errorMessage: 'Access to this resource is disabled.' }, 'model_disabled'],
    [{ status: 403 }, 'model_not_found'],
    [{ status: 404, errorCode: 'RepoNotFound' }, 'model_not_found'],
    [{ status: 404, errorCode: 'RevisionNotFound' }, 'revision_not_found'],
    [{ status: 404, errorCode: 'EntryNotFound' }, 'hub_answer_invalid'],
    [{ status: 429 }, 'hub_rate_limited'],
    [{ status: 500 }, 'hub_unreachable'],
    [{ status: 503, errorCode: 'GatedRepo' }, 'hub_unreachable'],
    [{ status: 400 }, 'hub_answer_invalid'],
  ] as const)('%j is %s', (part, code) => {
    expect(judge(part).finding.code).toBe(code);
  });

  it('carry the wait that the hub asks for, at most one hour', () => {
    expect(judge({ status: 429, retryAfter: '17' }).retryAfterSeconds).toBe(17);
    expect(judge({ status: 429, retryAfter: 'Thu, 01 Jan 2026 00:01:30 GMT' }).retryAfterSeconds).toBe(90);
    expect(judge({ status: 429, rateLimit: '"api";r=0;t=55' }).retryAfterSeconds).toBe(55);
    expect(judge({ status: 429, retryAfter: '999999' }).retryAfterSeconds).toBe(3600);
    expect(judge({ status: 429, retryAfter: 'soon' }).retryAfterSeconds).toBeNull();
  });

  it('repeat the words of the hub on one line without control characters', () => {
    expect(judge({ errorMessage: 'one\n\u001b[31mtwo' }).finding.detail).toContain('one [31mtwo');
  });
});

describe('a refusal of the host of the files', () => {
  const url = new URL('https://files.example/repos/1?Signature=secret');
  const judgeHost = (part: Partial<HubRefusal>) =>
    fileHostRefusal({ ...refusal, ...part }, url, 'org/name', now);

  it('passes, and carries the wait that is asked for where it means something', () => {
    expect(judgeHost({ status: 503, retryAfter: '90' })).toMatchObject({
      finding: {
        code: 'hub_unreachable',
        detail:
          'https://files.example: answered 503 for a file of org/name and asks to wait until 2026-01-01T00:01:30Z',
      },
      retryAfterSeconds: 90,
      waitFor: 'file-host',
    });
    expect(judgeHost({ status: 429, retryAfter: '90' })).toMatchObject({
      finding: { code: 'hub_rate_limited' },
      retryAfterSeconds: 90,
    });
    expect(judgeHost({ status: 403, retryAfter: '90', errorCode: 'GatedRepo' })).toMatchObject({
      finding: {
        code: 'hub_unreachable',
        detail: 'https://files.example: answered 403 for a file of org/name',
      },
      retryAfterSeconds: null,
    });
  });
});

describe('a refusal that repeats the token', () => {
  it('is read without it', () => {
    const header = (name: string) => (name === 'x-error-message' ? 'no access for hf_secret99' : null);
    expect(readRefusal({ status: 403, header }, 'hf_secret99').errorMessage).toBe('no access for [redacted]');
  });
});

describe('answers of a hub', () => {
  const hex40 = 'a'.repeat(40);

  it('give a commit only when it is one', () => {
    expect(readCommit({ sha: hex40 })).toBe(hex40);
    for (const answer of [null, [], {}, { sha: 'main' }, { sha: `../${hex40.slice(3)}` }]) {
      expect(() => readCommit(answer)).toThrow(/40 hex/);
    }
  });

  it('are refused whole when one file name is hostile, even of a file that is not wanted', () => {
    const page = [
      { type: 'file', path: 'config.json', size: 1, oid: hex40 },
      { type: 'file', path: '../../etc/cron.d/x', size: 1, oid: hex40 },
    ];
    expect(() => readTreePage(page)).toThrow(/not allowed/);
  });

  it('are refused when they are no list of files', () => {
    for (const page of [{}, null, [1], [{ type: 'file' }]]) expect(() => readTreePage(page)).toThrow();
    expect(() =>
      checkPathList([
        { path: 'a', size: 1, oid: hex40, lfs: null },
        { path: 'a', size: 1, oid: hex40, lfs: null },
      ]),
    ).toThrow(/twice/);
  });

  it('give files with the hash they are checked with', () => {
    const sha256 = 'b'.repeat(64);
    expect(readFileEntry({ path: 'a', size: 3, oid: hex40, lfs: undefined })).toEqual({
      path: 'a',
      sizeBytes: 3,
      etag: hex40,
      hash: { algorithm: 'git-sha1', hex: hex40 },
    });
    expect(readFileEntry({ path: 'a', size: 3, oid: hex40, lfs: { oid: sha256, size: 9 } })).toEqual({
      path: 'a',
      sizeBytes: 9,
      etag: sha256,
      hash: { algorithm: 'sha256', hex: sha256 },
    });
  });

  it.each([
    { path: 'a', size: 3, oid: '../../x', lfs: undefined },
    { path: 'a', size: -1, oid: hex40, lfs: undefined },
    { path: 'a', size: 3, oid: hex40, lfs: { oid: hex40, size: 9 } },
    { path: 'a', size: 3, oid: hex40, lfs: { oid: 'b'.repeat(64), size: 'big' } },
  ])('are refused when hash or size are none: %j', (file) => {
    expect(() => readFileEntry(file)).toThrow(/not valid/);
  });

  it('lead to their next page, and say where a part begins', () => {
    const url = new URL('https://h/list');
    expect(nextPage('<https://h/api?cursor=x>; rel="next"', url)?.href).toBe('https://h/api?cursor=x');
    expect(nextPage('<https://h/a>; rel="first", <https://h/b>; rel="next"', url)?.href).toBe('https://h/b');
    expect(nextPage('</b?c=1>; rel="next"', url)?.href).toBe('https://h/b?c=1');
    expect(nextPage('<https://h/a>; rel="first"', url)).toBeNull();
    expect(() => nextPage('<https://other/b>; rel="next"', url)).toThrow(/another host/);
    expect(readContentRange('bytes 5-9/10')).toEqual({ start: 5, size: 10 });
    expect(readContentRange('bytes */10')).toBeNull();
  });
});

describe('addresses', () => {
  it('of redirects are https, or loopback when the hub is', () => {
    const loopback = new URL('http://127.0.0.1:1');
    const internet = new URL('https://hub.example');
    expect(redirectFault(internet, new URL('https://cdn.example/x'))).toBeNull();
    expect(redirectFault(internet, new URL('http://cdn.example/x'))).not.toBeNull();
    expect(redirectFault(internet, new URL('http://localhost/x'))).not.toBeNull();
    expect(redirectFault(loopback, new URL('http://localhost/x'))).toBeNull();
    expect(redirectFault(loopback, new URL('http://10.0.0.1/x'))).not.toBeNull();
    expect(redirectFault(loopback, new URL('file:///etc/passwd'))).not.toBeNull();
  });
});
