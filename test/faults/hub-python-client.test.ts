import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HUB_CLIENT_LIMIT_MS, hubClientPython, runPython } from '../support/hub-client.ts';
import { type FixtureOptions, type HubFixture, hubFixture, MODEL_ID } from '../support/hub-fixture.ts';

const TOKEN = 'hf_tokentoken';

let python = '';
let home = '';
let fixture: HubFixture | null = null;

beforeAll(async () => {
  python = await hubClientPython();
}, HUB_CLIENT_LIMIT_MS);
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'python-hub-'));
});
afterEach(async () => {
  await fixture?.close();
  fixture = null;
  await rm(home, { recursive: true, force: true });
});

async function start(options: FixtureOptions = {}): Promise<HubFixture> {
  fixture = await hubFixture(options);
  return fixture;
}

/** What the program prints; it sees the stand-in hub as HF_ENDPOINT. */
const ask = (one: HubFixture, program: string, environment: Record<string, string> = {}) =>
  runPython(python, `import json\nfrom huggingface_hub import *\n${program}`, {
    HF_ENDPOINT: one.server.url,
    HF_HOME: home,
    ...environment,
  });

describe('the stand-in hub, asked by the real Python client', () => {
  it('gives every file of a repository, with the right bytes', async () => {
    const one = await start({ shardBytes: 2_000_000, hub: { pageSize: 3 } });
    const folder = await ask(one, `print(json.dumps(snapshot_download("${MODEL_ID}")))`);
    expect(folder).toBe(join(home, 'hub', 'models--acme--tiny', 'snapshots', one.model.commit));
    for (const file of one.model.files) {
      if (!('bytes' in file.content)) continue;
      const bytes = await readFile(join(String(folder), file.path));
      expect(bytes.equals(file.content.bytes), file.path).toBe(true);
    }
  });

  it('describes a model, its files and their hashes as the client expects', async () => {
    const one = await start({
      model: { gated: 'auto' },
      hub: { pageSize: 4, tokens: { [TOKEN]: [MODEL_ID] } },
    });
    const program = `
api = HfApi(token="${TOKEN}")
info = api.model_info("${MODEL_ID}", files_metadata=True)
tree = list(api.list_repo_tree("${MODEL_ID}", recursive=True))
files = {f.path: [f.size, f.blob_id, f.lfs.sha256 if f.lfs else None] for f in tree if hasattr(f, "size")}
siblings = {s.rfilename: [s.size, s.blob_id, s.lfs.sha256 if s.lfs else None] for s in info.siblings}
api.auth_check("${MODEL_ID}")
print(json.dumps([info.sha, info.gated, files, siblings, api.whoami()["name"]]))`;
    const files = Object.fromEntries(
      one.model.files.map((file) => [file.path, [file.size, file.oid, file.sha256]]),
    );
    expect(await ask(one, program)).toEqual([one.model.commit, 'auto', files, files, 'stand-in']);
  });

  it('refuses in the words that the client understands', async () => {
    const one = await start({
      model: { gated: 'manual' },
      hub: { tokens: { [TOKEN]: [MODEL_ID], hf_other: [] } },
    });
    const program = `
def name(call):
  try:
    call()
    return "no error"
  except Exception as error:
    return type(error).__name__
def file(token, path="config.json", revision="main"):
  return name(lambda: hf_hub_download("${MODEL_ID}", path, token=token, revision=revision))
print(json.dumps({
  "without token": file(False),
  "with another token": file("hf_other"),
  "no such file": file("${TOKEN}", "nothing.json"),
  "no such revision": file("${TOKEN}", revision="v9"),
  "no such model": name(lambda: model_info("acme/nothing", token=False)),
  "gate": name(lambda: auth_check("${MODEL_ID}", token=False)),
  "bad token": name(lambda: model_info("${MODEL_ID}", token="hf_unknown")),
}))`;
    expect(await ask(one, program)).toEqual({
      'without token': 'GatedRepoError',
      'with another token': 'GatedRepoError',
      'no such file': 'RemoteEntryNotFoundError',
      'no such revision': 'RevisionNotFoundError',
      'no such model': 'RepositoryNotFoundError',
      gate: 'GatedRepoError',
      'bad token': 'HfHubHTTPError',
    });
  });
});

describe('one cache for both', () => {
  it('filled by us, is read by the Python client without the network', async () => {
    const one = await start();
    one.keeper.setWanted({ text: MODEL_ID, directory: one.directory });
    await one.until(({ complete }) => complete);
    await one.server.close();
    const program = `
report = scan_cache_dir()
repo = next(iter(report.repos))
files = sorted(f.file_name for f in next(iter(repo.revisions)).files)
folder = snapshot_download("${MODEL_ID}", local_files_only=True)
print(json.dumps([folder, [str(w) for w in report.warnings], repo.repo_id, files, hf_hub_download("${MODEL_ID}", "config.json")]))`;
    const snapshot = join(one.directory, 'hub/models--acme--tiny/snapshots', one.model.commit);
    expect(await ask(one, program, { HF_HOME: one.directory, HF_HUB_OFFLINE: '1' })).toEqual([
      snapshot,
      [],
      MODEL_ID,
      [
        'config.json',
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'model.safetensors.index.json',
        'params.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'tool.jinja',
      ],
      join(snapshot, 'config.json'),
    ]);
  });

  it('filled by the Python client, is used by us without a single request', async () => {
    const one = await start();
    await ask(one, `snapshot_download("${MODEL_ID}")\nprint("null")`);
    const asked = one.server.requests.length;
    one.keeper.setWanted({ text: MODEL_ID, directory: home });
    const snapshot = await one.until(({ complete }) => complete);
    expect(snapshot.revision).toBe(one.model.commit);
    expect(one.server.requests).toHaveLength(asked);
  });

  it('begun by the Python client, is finished by us without fetching its files again', async () => {
    const one = await start({ shardBytes: 2_000_000 });
    await ask(
      one,
      `snapshot_download("${MODEL_ID}", ignore_patterns=["model-00002*", "tokenizer*"])\nprint("null")`,
    );
    const before = one.server.requests.length;
    one.keeper.setWanted({ text: MODEL_ID, directory: home });
    await one.until(({ complete }) => complete);
    const fetched = one.server.requests.slice(before).filter(({ kind }) => kind === 'content');
    const pathOf = (url: string) =>
      one.model.files.find(({ sha256 }) => sha256 !== null && url.includes(sha256))?.path;
    const large = new Set(fetched.map(({ url }) => pathOf(url)).filter((path) => path !== undefined));
    expect([...large]).toEqual(['model-00002-of-00002.safetensors']);
    const blobs = await readdir(join(home, 'hub/models--acme--tiny/blobs'));
    expect(blobs.every((name) => /^[0-9a-f]+$/.test(name))).toBe(true);
  });
});
