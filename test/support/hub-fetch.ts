import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cacheLayout } from '../../src/model/cache-layout.ts';
import { type HubFixture, MODEL_ID } from './hub-fixture.ts';

const LAYOUT_ID = { id: MODEL_ID, organisation: 'acme', name: 'tiny' };

/** Wants the model, and waits until it is there or has failed. */
export async function fetchModel(one: HubFixture) {
  one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
  return one.until((snapshot) => snapshot.complete || snapshot.downloadStatus === 'failed');
}

/** Every file of the snapshot is what the hub has, and nothing of ours is left over. */
export async function expectVerified(one: HubFixture) {
  const layout = cacheLayout(one.directory, LAYOUT_ID);
  expect(await readFile(join(layout.refs, 'main'), 'utf8')).toBe(one.model.commit);
  const snapshot = join(layout.snapshots, one.model.commit);
  const paths = (await readdir(snapshot, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(snapshot.length + 1));
  expect(paths).toHaveLength(8);
  for (const path of paths) {
    const bytes = await readFile(join(snapshot, path));
    const stored = one.model.files.find((file) => file.path === path);
    const hex = createHash('sha256').update(bytes).digest('hex');
    if (stored?.sha256 !== null) expect(hex, path).toBe(stored?.sha256);
    expect(bytes.length).toBe(stored?.size);
  }
  expect((await readdir(layout.blobs)).filter((name) => name.includes('.'))).toEqual([]);
}

/** The requests for bytes at the host of the files. */
export const contentRequests = (one: HubFixture) =>
  one.server.requests.filter((request) => request.kind === 'content' && request.host === 'localhost');
