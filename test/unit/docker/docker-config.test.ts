import { describe, expect, it } from 'vitest';
import { findLogin, parseHelperAnswer, registryAuthHeader } from '../../../src/docker/docker-config.ts';

const basic = (text: string) => Buffer.from(text).toString('base64');
const decode = (header: string) => JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));

describe('the saved login of a registry', () => {
  it.each(['localhost:5000', 'http://localhost:5000', 'https://localhost:5000/v2/'])(
    'is found under the key %s',
    (key) => {
      const content = JSON.stringify({ auths: { [key]: { auth: basic('me:a:b c') } } });
      expect(findLogin(content, 'localhost:5000')).toEqual({
        kind: 'saved',
        login: { kind: 'password', username: 'me', password: 'a:b c' },
      });
    },
  );

  it('of Docker Hub is found under its old address', () => {
    const content = JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth: basic('me:pw') } } });
    expect(findLogin(content, 'docker.io')?.kind).toBe('saved');
  });

  it('may be an identity token', () => {
    const content = JSON.stringify({ auths: { r: { auth: basic('me:'), identitytoken: 'tok' } } });
    expect(findLogin(content, 'r')).toEqual({
      kind: 'saved',
      login: { kind: 'identity_token', token: 'tok' },
    });
  });

  it('is asked of the helper of this registry before anything else', () => {
    const content = JSON.stringify({
      auths: { r: { auth: basic('me:pw') } },
      credsStore: 'all',
      credHelpers: { r: 'own' },
    });
    expect(findLogin(content, 'r')).toEqual({ kind: 'helper', helper: 'own', serverAddress: 'r' });
  });

  it('is asked of the store under the key that the login was saved with', () => {
    const content = JSON.stringify({ auths: { 'https://r/v1/': {} }, credsStore: 'pass' });
    expect(findLogin(content, 'r')).toEqual({
      kind: 'helper',
      helper: 'pass',
      serverAddress: 'https://r/v1/',
    });
  });

  it('is not that of another registry', () => {
    const content = JSON.stringify({ auths: { 'evil.example': { auth: basic('me:pw') } } });
    expect(findLogin(content, 'r')).toBeNull();
  });

  it.each(['../../bin/sh', 'a/b', '-x', ''])('is not asked of a helper called "%s"', (credsStore) => {
    expect(findLogin(JSON.stringify({ credsStore }), 'r')).toBeNull();
  });

  it.each(['[]', '7', 'null', '{"auths":[1]}', '{"auths":{"r":"x"}}', '{"auths":{"r":{"auth":"!"}}}'])(
    'is missing in the odd file %s',
    (content) => {
      expect(findLogin(content, 'r')).toBeNull();
    },
  );
});

describe('the answer of a helper', () => {
  it.each([
    ['{"Username":"me","Secret":"pw"}', { kind: 'password', username: 'me', password: 'pw' }],
    ['{"Username":"<token>","Secret":"tok"}', { kind: 'identity_token', token: 'tok' }],
    ['credentials not found in native keychain', null],
    ['{"Username":"","Secret":""}', null],
  ])('%s is read', (output, login) => {
    expect(parseHelperAnswer(output)).toEqual(login);
  });
});

describe('the header with the login', () => {
  it('is base64 with the URL alphabet and padding', () => {
    const header = registryAuthHeader({ kind: 'password', username: 'me', password: '>>>???~~~' }, 'r');
    expect(header).toMatch(/^[A-Za-z0-9_-]+=*$/);
    expect(header.length % 4).toBe(0);
    expect(decode(header)).toEqual({ username: 'me', password: '>>>???~~~', serveraddress: 'r' });
  });

  it('carries a token in its own field, and the old address of Docker Hub', () => {
    expect(decode(registryAuthHeader({ kind: 'identity_token', token: 't' }, 'docker.io'))).toEqual({
      identitytoken: 't',
      serveraddress: 'https://index.docker.io/v1/',
    });
  });
});
