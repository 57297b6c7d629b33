import { describe, expect, test } from 'vitest';
import { assessChats, type ChatFacts, chatMountOf, chatView } from '../../../src/chat/persistence.ts';

const FINE: ChatFacts = {
  mount: { mounted: true, path: '/opt/open-webui', writable: true },
  directory: { notWritable: null, bytesFree: 5e9 },
  database: { kind: 'fine', sessionCount: 3, lastMessageAt: '2026-11-23T17:00:00Z' },
  sizeBytes: 8192,
  pageReady: true,
};

describe('assessChats', () => {
  test.each<[string, Partial<ChatFacts>, string | null, string | null]>([
    ['everything is as it should be', {}, 'persisted', null],
    ['the database is not made yet', { database: { kind: 'missing' }, pageReady: false }, 'persisted', null],
    [
      'a page that is ready has made no database there',
      { database: { kind: 'missing' } },
      null,
      'chat_database_elsewhere',
    ],
    ['nothing is known of the container', { mount: null }, null, null],
    ['the database was not looked at yet', { database: null }, null, null],
    ['the directory was not looked at yet', { directory: null }, null, null],
    [
      'nothing is mounted',
      { mount: { mounted: false, path: null, writable: false } },
      'volatile',
      'chat_not_mounted',
    ],
    [
      'the file is damaged',
      { database: { kind: 'damaged', detail: 'x' } },
      'corrupted',
      'chat_database_corrupt',
    ],
    [
      'the mount is read-only',
      { mount: { mounted: true, path: '/opt/open-webui', writable: false } },
      'volatile',
      'chat_directory_not_writable',
    ],
    [
      'the directory cannot be written',
      { directory: { notWritable: 'EROFS: read-only file system', bytesFree: 5e9 } },
      'volatile',
      'chat_directory_not_writable',
    ],
    ['the disk is full', { directory: { notWritable: null, bytesFree: 1e6 } }, 'volatile', 'disk_full'],
    ['the space cannot be told', { directory: { notWritable: null, bytesFree: null } }, 'persisted', null],
    [
      'a damaged file stands on a full disk',
      { database: { kind: 'damaged', detail: 'x' }, directory: { notWritable: null, bytesFree: 0 } },
      'corrupted',
      'chat_database_corrupt',
    ],
  ])('when %s', (_when, change, state, code) => {
    const assessed = assessChats({ ...FINE, ...change });
    expect([assessed.state, assessed.finding?.code ?? null]).toEqual([state, code]);
  });
});

describe('chatMountOf', () => {
  const anonymous = `/var/lib/docker/volumes/${'0123456789abcdef'.repeat(4)}/_data`;
  const none = { mounted: false, path: null, writable: false };
  const mount = (target: string, source = '/opt/open-webui', writable = true) => ({
    source,
    target,
    writable,
  });
  test.each([
    [
      'the mount itself',
      [mount('/app/backend/data')],
      { mounted: true, path: '/opt/open-webui', writable: true },
    ],
    [
      'a read-only one',
      [mount('/app/backend/data', '/a', false)],
      { mounted: true, path: '/a', writable: false },
    ],
    ['one above it', [mount('/app/', '/srv')], { mounted: true, path: '/srv/backend/data', writable: true }],
    [
      'the closest of two',
      [mount('/app', '/srv'), mount('/app/backend/data', '/x')],
      { mounted: true, path: '/x', writable: true },
    ],
    ['no mount', [], none],
    ['one below it', [mount('/app/backend/data/uploads')], none],
    ['one with a similar name', [mount('/app/back')], none],
    ['a tmpfs', [mount('/app/backend/data', '')], none],
    ['an anonymous volume', [mount('/app/backend/data', anonymous)], none],
    [
      'a named volume',
      [mount('/app/backend/data', '/var/lib/docker/volumes/chats/_data')],
      { mounted: true, path: '/var/lib/docker/volumes/chats/_data', writable: true },
    ],
  ])('finds %s', (_what, mounts, expected) => {
    expect(chatMountOf(mounts)).toEqual(expected);
  });
});

describe('chatView', () => {
  test('counts no chats in a database that is not made yet', () => {
    expect(
      chatView({ ...FINE, database: { kind: 'missing' }, sizeBytes: null, pageReady: false }, null),
    ).toEqual({
      persistence_state: 'persisted',
      path: '/opt/open-webui',
      size_bytes: null,
      session_count: 0,
      last_message_at: null,
      problem: null,
    });
  });

  test('shows the counts of a sound database', () => {
    expect(chatView(FINE, null)).toMatchObject({
      session_count: 3,
      last_message_at: '2026-11-23T17:00:00Z',
      size_bytes: 8192,
    });
  });
});
