import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheLayout, leftoverEtag, linkTarget, partialPath } from '../../../src/model/cache-layout.ts';
import {
  filePathFault,
  isCommit,
  isRevision,
  isSha256,
  isSize,
  pathListFault,
} from '../../../src/model/names.ts';

const hostile = [
  '',
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a/..',
  './a',
  'a//b',
  'a/',
  'a\\b',
  'a\u0000b',
  'a\nb',
  'a\u009bb',
  'a\ud800',
  'x'.repeat(256),
  `${'x/'.repeat(600)}y`,
];

describe('names from a hub', () => {
  it('refuses every hostile path', () => {
    for (const path of hostile) expect(filePathFault(path), JSON.stringify(path)).not.toBeNull();
  });

  it.each(['config.json', 'a/b/c.bin', '.gitattributes', '..a', 'a..b', 'ü/名前.json', 'x'.repeat(255)])(
    'takes the path %j',
    (path) => {
      expect(filePathFault(path)).toBeNull();
    },
  );

  it('takes no path that leaves the folder it is joined to', () => {
    const segment = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', '..b', '\u0000', '\\', '/', '\n', '\ud800', 'ü'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        const path = segments.join('/');
        if (filePathFault(path) !== null) return;
        const joined = resolve('/root/folder', path);
        expect(joined).toBe(`/root/folder/${path}`);
      }),
    );
  });

  it('refuses a list that names a file twice, or one name as file and as directory', () => {
    expect(pathListFault(['a', 'b', 'a'])).toContain('twice');
    expect(pathListFault(['a/b/c', 'a/b'])).toContain('directory');
    expect(pathListFault(['a/b', 'a/c', 'ab'])).toBeNull();
  });

  it('knows commits, hashes, revisions and sizes by their form', () => {
    expect(isCommit('a'.repeat(40))).toBe(true);
    expect([isCommit('A'.repeat(40)), isCommit('main'), isCommit(`${'a'.repeat(40)}\n`)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([isSha256('0'.repeat(64)), isSha256('0'.repeat(40)), isSha256(3)]).toEqual([true, false, false]);
    expect([isRevision('main'), isRevision('refs/pr/1'), isRevision('../x'), isRevision('')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([isSize(0), isSize(-1), isSize(1.5), isSize(2 ** 53), isSize('1')]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('the cache layout', () => {
  const layout = cacheLayout('/models', { id: 'org/name', organisation: 'org', name: 'name' });

  it('is the one of the hub client', () => {
    expect(layout.repository).toBe('/models/hub/models--org--name');
    expect(linkTarget('config.json', 'ab')).toBe('../../blobs/ab');
    expect(linkTarget('a/b/c.json', 'ab')).toBe('../../../../blobs/ab');
  });

  it('has links that lead from any depth to the blob', () => {
    const name = fc.stringMatching(/^[a-z]{1,5}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (segments) => {
        const path = segments.join('/');
        const link = join(layout.snapshots, 'c'.repeat(40), path);
        expect(resolve(link, '..', linkTarget(path, 'etag'))).toBe(join(layout.blobs, 'etag'));
      }),
    );
  });

  it('tells leftovers of ours from files of others', () => {
    const etag = 'a'.repeat(64);
    expect(leftoverEtag(partialPath(layout, { etag }).slice(layout.blobs.length + 1))).toBe(etag);
    expect(leftoverEtag(`${etag}.incomplete`)).toBeNull();
    expect(leftoverEtag(etag)).toBeNull();
  });
});
