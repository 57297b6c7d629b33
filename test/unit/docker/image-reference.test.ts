import { describe, expect, it } from 'vitest';
import { localName, parseImageReference } from '../../../src/docker/image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('an image name', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest', null],
    ['vllm/vllm-openai:v0.32.0', 'docker.io', 'vllm/vllm-openai', 'v0.32.0', null],
    ['docker.io/library/busybox:1', 'docker.io', 'library/busybox', '1', null],
    ['index.docker.io/a/b', 'docker.io', 'a/b', 'latest', null],
    ['ghcr.io/open-webui/open-webui:0.12.4', 'ghcr.io', 'open-webui/open-webui', '0.12.4', null],
    ['localhost/a', 'localhost', 'a', 'latest', null],
    ['localhost:5000/a/b/c', 'localhost:5000', 'a/b/c', 'latest', null],
    ['127.0.0.1:5000/a:b', '127.0.0.1:5000', 'a', 'b', null],
    [`a@${DIGEST}`, 'docker.io', 'library/a', null, DIGEST],
    [`r.example:1/a:tag@${DIGEST}`, 'r.example:1', 'a', 'tag', DIGEST],
  ])('%s has its parts', (text, registry, repository, tag, digest) => {
    expect(parseImageReference(text)).toMatchObject({ registry, repository, tag, digest });
  });

  it.each([
    '',
    'A',
    'a:',
    'a:b:c',
    'a b',
    'a//b',
    '/a',
    'a/',
    'a@sha256:1',
    `a@${DIGEST}@${DIGEST}`,
    '-a',
    'a:-b',
  ])('"%s" is refused', (text) => {
    expect(parseImageReference(text)).toBeNull();
  });

  it('is looked for by its digest where it has one, else by its tag', () => {
    const name = (text: string) => {
      const reference = parseImageReference(text);
      return reference === null ? null : localName(reference);
    };
    expect(name('localhost:5000/a')).toBe('localhost:5000/a:latest');
    expect(name(`a:tag@${DIGEST}`)).toBe(`a@${DIGEST}`);
  });
});
