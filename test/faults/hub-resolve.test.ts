import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createHub } from '../../src/model/hub.ts';
import { parseModelIdentifier } from '../../src/model/identifier.ts';
import { repositoryFrom } from '../stand-ins/hub/repository.ts';
import {
  type FixtureOptions,
  type HubFixture,
  hastyClock,
  hubFixture,
  MODEL_ID,
} from '../support/hub-fixture.ts';
import { modelContents, safetensors } from '../support/model-files.ts';

const TOKEN = 'hf_tokentoken';
const alive = new AbortController().signal;

let fixture: HubFixture | null = null;
afterEach(async () => {
  await fixture?.close();
  fixture = null;
});

async function start(options: FixtureOptions = {}): Promise<HubFixture> {
  fixture = await hubFixture(options);
  return fixture;
}

async function problemOf(one: HubFixture, text: string = MODEL_ID) {
  one.keeper.setWanted({ text, directory: one.directory });
  const snapshot = await one.until(({ problem, complete }) => problem !== null || complete);
  return snapshot.problem;
}

function identifierOf(text: string) {
  const { identifier } = parseModelIdentifier(text);
  if (identifier === undefined) throw new Error(`${text} is no identifier`);
  return identifier;
}

describe('asking a hub for a model', () => {
  it('pins the commit and names the files of one weight set, over several pages of the list', async () => {
    const one = await start({ hub: { pageSize: 2 } });
    const model = await one.hub.resolve(identifierOf(MODEL_ID), 'main', alive);
    expect(model.commit).toBe(one.model.commit);
    expect(model.files.map((file) => file.path)).toEqual([
      'additional_chat_templates/tool.jinja',
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'params.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('asks only addresses that mirrors have too', async () => {
    const one = await start();
    await one.hub.resolve(identifierOf(MODEL_ID), 'main', alive);
    expect(new Set(one.server.requests.map(({ kind }) => kind))).toEqual(
      new Set(['info', 'tree', 'resolve', 'content']),
    );
  });

  it('says that a model does not exist', async () => {
    expect(await problemOf(await start(), 'acme/nothing')).toMatchObject({
      code: 'model_not_found',
      class: 'fatal',
      detail: expect.stringContaining('acme/nothing'),
    });
  });

  it('says that the id is none, and asks nobody', async () => {
    const one = await start();
    expect(await problemOf(one, 'tiny')).toMatchObject({ code: 'model_id_invalid' });
    expect(one.server.requests).toEqual([]);
  });

  it('says that nothing is mounted for models', async () => {
    const one = await start();
    one.keeper.setWanted({ text: MODEL_ID, directory: null });
    expect(one.keeper.snapshot().problem?.code).toBe('model_directory_not_mounted');
  });

  it('finds the gate of a model before the first byte, and goes on when a token comes that may pass', async () => {
    const one = await start({
      model: { gated: 'manual' },
      hub: { tokens: { [TOKEN]: [MODEL_ID], hf_other: [] } },
    });
    const problem = await problemOf(one);
    expect(problem).toMatchObject({ code: 'model_gated', class: 'fatal' });
    expect(problem?.remedy).toContain(`${one.server.url}/${MODEL_ID}`);
    expect(await readdir(one.directory)).toEqual([]);
    one.setToken('hf_other');
    one.keeper.tokenChanged();
    await one.until(() => one.keeper.snapshot().problem?.detail.includes('403') === true);
    one.setToken(TOKEN);
    one.keeper.tokenChanged();
    await one.until(({ complete }) => complete);
  });

  it('finds the gate of a model that has no index to read, too', async () => {
    const contents = {
      'config.json': modelContents()['config.json']!,
      'model.safetensors': { bytes: safetensors('x', 10) },
    };
    const one = await start({ model: { ...(await repositoryFrom(MODEL_ID, contents)), gated: 'auto' } });
    expect(await problemOf(one)).toMatchObject({ code: 'model_gated' });
    expect(await readdir(one.directory)).toEqual([]);
  });

  it('says that the token is not accepted', async () => {
    const one = await start({ token: 'hf_revoked', hub: { tokens: {} } });
    const problem = await problemOf(one);
    expect(problem).toMatchObject({ code: 'token_invalid' });
    expect(JSON.stringify(problem)).not.toContain('hf_revoked');
  });

  it('takes a private model without its token for one that does not exist', async () => {
    expect(await problemOf(await start({ model: { private: true } }))).toMatchObject({
      code: 'model_not_found',
    });
  });

  it('says that a revision does not exist', async () => {
    const one = await start();
    await expect(one.hub.resolve(identifierOf(MODEL_ID), 'v9', alive)).rejects.toMatchObject({
      finding: { code: 'revision_not_found' },
    });
  });

  it('waits as long as the hub asks when it limits requests', async () => {
    const one = await start();
    one.server.faults.add({
      on: 'info',
      action: { kind: 'answer', status: 429, headers: { 'retry-after': '40', ratelimit: '"api";r=0;t=55' } },
    });
    const asked = Date.now();
    const problem = await problemOf(one);
    expect(problem).toMatchObject({ code: 'hub_rate_limited', class: 'transient' });
    const limited = one.told.find((snapshot) => snapshot.problem !== null);
    const waitMs = Date.parse(limited?.nextRetryAt ?? '') - asked;
    expect(waitMs).toBeGreaterThan(38_000);
    await one.until(({ complete }) => complete);
  });

  it.each([['../../../etc/cron.d/evil'], ['/etc/passwd'], ['a\\b.json'], ['a\u0000b.json']])(
    'refuses a list with the file name %j and writes nothing',
    async (path) => {
      const one = await start();
      const body = JSON.stringify([{ type: 'file', path, size: 1, oid: 'a'.repeat(40) }]);
      one.server.faults.add({ on: 'tree', action: { kind: 'answer', status: 200, body } });
      expect(await problemOf(one)).toMatchObject({ code: 'hub_answer_invalid', class: 'fatal' });
      expect(await readdir(one.directory)).toEqual([]);
    },
  );

  it('refuses a commit that is none', async () => {
    const one = await start();
    const body = JSON.stringify({ sha: '../../../../tmp/x' });
    one.server.faults.add({ on: 'info', action: { kind: 'answer', status: 200, body } });
    expect(await problemOf(one)).toMatchObject({ code: 'hub_answer_invalid' });
  });

  it('refuses a redirect that leads off this machine over plain http', async () => {
    const one = await start();
    one.server.faults.add({
      on: 'resolve',
      times: 99,
      action: { kind: 'answer', status: 302, headers: { location: 'http://192.0.2.1/x' } },
    });
    expect(await problemOf(one)).toMatchObject({ code: 'hub_answer_invalid' });
  });

  it('takes a page of somebody else in the place of the hub for an unreachable hub', async () => {
    const one = await start();
    one.server.faults.add({
      on: 'info',
      action: { kind: 'answer', status: 200, body: '<html>log in</html>' },
    });
    expect(await problemOf(one)).toMatchObject({ code: 'hub_unreachable', class: 'transient' });
    await one.until(({ complete }) => complete);
  });

  it('says that a repository has no weights', async () => {
    const one = await start();
    const body = JSON.stringify([{ type: 'file', path: 'README.md', size: 1, oid: 'a'.repeat(40) }]);
    one.server.faults.add({ on: 'tree', action: { kind: 'answer', status: 200, body } });
    expect(await problemOf(one)).toMatchObject({ code: 'model_without_weights' });
  });

  it('says that a hub does not answer, and names it', async () => {
    const one = await start();
    await one.server.close();
    const hub = createHub({ endpoint: one.server.url, token: () => null, clock: systemClock });
    await expect(hub.resolve(identifierOf(MODEL_ID), 'main', alive)).rejects.toMatchObject({
      finding: { code: 'hub_unreachable', detail: expect.stringContaining(one.server.url) },
    });
    await hub.close();
  });

  it('does not wait for ever for a refusal whose words never end', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(500, { 'content-length': '1000' });
      response.write('half of');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const hub = createHub({ endpoint: `http://127.0.0.1:${port}`, token: () => null, clock: hastyClock });
    const identifier = identifierOf(MODEL_ID);
    const hash = { algorithm: 'git-sha1', hex: 'a'.repeat(40) } as const;
    const file = { path: 'config.json', sizeBytes: 10, etag: hash.hex, hash };
    const unreachable = { finding: { code: 'hub_unreachable' } };
    await expect(hub.resolve(identifier, 'main', alive)).rejects.toMatchObject(unreachable);
    const question = {
      model: { identifier, commit: 'c'.repeat(40) },
      file,
      fromByte: 0,
      toByte: file.sizeBytes,
      onAnswer: () => {},
      onBytes: () => undefined,
    };
    await expect(hub.fetchRange(question, alive)).rejects.toMatchObject(unreachable);
    await hub.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  it('says before the first byte that the disk is too small, and goes on when there is space', async () => {
    let free = 1_000;
    const one = await start({ keeper: { freeBytes: async () => free, reserveBytes: 5_000_000 } });
    const problem = await problemOf(one);
    expect(problem).toMatchObject({ code: 'disk_too_small', class: 'host' });
    expect(problem?.detail).toMatch(/have 1 kB free, need 6 MB/);
    expect(one.keeper.snapshot().downloadStatus).toBe('failed');
    free = 10_000_000;
    await one.until(({ complete }) => complete);
    expect(one.server.requests.filter(({ kind }) => kind === 'info')).toHaveLength(1);
  });
});
