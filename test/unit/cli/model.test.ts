import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openShelf } from '../../../src/cli/model-shelf.ts';
import { runCli } from '../../../src/cli/run.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { safetensors } from '../../support/model-files.ts';
import { fakeControl, testApi } from '../../support/test-api.ts';

const COMMIT = 'c'.repeat(40);
const ID = 'acme/tiny';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-model-'));
  await writeCompose();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const composeFile = () => join(directory, 'docker-compose.yml');
const models = () => join(directory, 'models');

async function writeCompose(volumes = '["./models:/root/.cache/huggingface"]') {
  await writeFile(
    composeFile(),
    `services: {api: {image: x, command: ["$\{MODEL_ID}"], volumes: ${volumes}}}\n`,
  );
  await writeFile(join(directory, '.env'), `MODEL_ID=${ID}\n`);
}

/** Puts a model into the cache as a hub client would; returns the path of the blob of a file. */
async function shelve(id: string, files: Record<string, string | Buffer>): Promise<(path: string) => string> {
  const repository = join(models(), 'hub', `models--${id.replace('/', '--')}`);
  const etags = new Map<string, string>();
  await mkdir(join(repository, 'blobs'), { recursive: true });
  await mkdir(join(repository, 'refs'), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    const etag = createHash('sha256').update(content).digest('hex');
    const link = join(repository, 'snapshots', COMMIT, path);
    await mkdir(dirname(link), { recursive: true });
    await writeFile(join(repository, 'blobs', etag), content);
    await symlink(`../../blobs/${etag}`, link);
    etags.set(path, join(repository, 'blobs', etag));
  }
  await writeFile(join(repository, 'refs', 'main'), COMMIT);
  return (path) => etags.get(path) ?? '';
}

const TINY = {
  'config.json': '{"architectures":["LlamaForCausalLM"]}',
  'tokenizer.json': '{}',
  'model.safetensors': safetensors('x', 1000),
};

async function cli(line: string, socketPath = '/nonexistent/control.sock') {
  const shown = { code: -1, out: '', err: '' };
  shown.code = await runCli(line.split(' '), '1.2.3', {
    settings: { composeFile: composeFile(), socketPath, listen: { host: '127.0.0.1', port: 1 } },
    clock: systemClock,
    colour: false,
    async write(text) {
      shown.out += text;
    },
    complain(message) {
      shown.err += `${message}\n`;
    },
    checkConfig: () => Promise.reject(new Error('not asked')),
    openShelf: () => openShelf({ composeFile: composeFile(), pinnedModelId: null }, {}),
  });
  return shown;
}

describe('ai-sandbox model show', () => {
  it('lists every model of the cache without the daemon, and says that the daemon is down', async () => {
    await shelve(ID, TINY);
    await shelve('other/half', { 'config.json': '{}' });
    const { code, out, err } = await cli('model show');
    expect(code).toBe(0);
    expect(out).toMatch(/\* acme\/tiny {3}complete, 3 files/);
    expect(out).toMatch(/ {3}other\/half {2}not complete/);
    expect(err).toContain('systemctl start ai-sandbox');
  });

  it('shows what the daemon knows of the model', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { code, out, err } = await cli('model show', setup.socketPath);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Model      example/model');
    expect(out).toContain(`Cache      ${models()}: empty`);
  });

  it('gives everything as JSON', async () => {
    await shelve(ID, TINY);
    const { out } = await cli('model show --json');
    expect(JSON.parse(out)).toMatchObject({
      model: null,
      cache: {
        directory: models(),
        wanted: ID,
        models: [{ id: ID, commit: COMMIT, complete: true, files: 3 }],
      },
    });
  });

  it('needs a compose file that names the directory', async () => {
    await writeCompose('[]');
    const { code, err } = await cli('model show');
    expect(code).toBe(4);
    expect(err).toContain('mounts no directory at /root/.cache/huggingface');
  });
});

describe('ai-sandbox model verify', () => {
  it('reads every file and finds it whole, without the daemon', async () => {
    await shelve(ID, TINY);
    const { code, out } = await cli('model verify');
    expect(code).toBe(0);
    expect(out.match(/^ok /gm)).toHaveLength(3);
    expect(out).toContain('acme/tiny is whole');
  });

  it('names a damaged file with both hashes, and changes nothing', async () => {
    const blob = await shelve(ID, TINY);
    await writeFile(blob('tokenizer.json'), '{ }');
    for (let round = 0; round < 2; round += 1) {
      const { code, out, err } = await cli('model verify');
      expect(code).toBe(1);
      expect(out).toMatch(/^damaged .* tokenizer\.json: sha256 is [0-9a-f]{64}, must be [0-9a-f]{64}$/m);
      expect(err).toContain('ai-sandbox model verify --repair acme/tiny');
    }
  });

  it('takes a damaged file out and has the daemon fetch it again', async () => {
    const calls: string[] = [];
    await using setup = await testApi({ control: fakeControl(calls) });
    await setup.api.listen();
    const blob = await shelve(ID, TINY);
    await writeFile(blob('tokenizer.json'), '{ }');
    const { code, out } = await cli('model verify --repair', setup.socketPath);
    expect(code).toBe(0);
    expect(out).toContain('1 damaged file was taken out of the cache and the daemon fetches it again');
    expect((await cli('model verify')).err).toContain('is not complete');
  });

  it('says why the daemon does not fetch it again yet', async () => {
    const retryModel = () => Promise.reject(new Error('the model is being downloaded already'));
    await using setup = await testApi({ control: fakeControl([], { retryModel }) });
    await setup.api.listen();
    const blob = await shelve(ID, TINY);
    await writeFile(blob('tokenizer.json'), '{ }');
    const { out } = await cli('model verify --repair', setup.socketPath);
    expect(out).toContain('the daemon does not fetch it yet: the model is being downloaded already');
  });

  it('takes another model than the wanted one', async () => {
    await shelve('other/one', TINY);
    expect((await cli('model verify other/one')).out).toContain('other/one is whole');
    const { code, err } = await cli('model verify');
    expect(code).toBe(1);
    expect(err).toContain('acme/tiny is not in the cache');
  });

  it('does not follow a link out of the directory, and counts it as missing', async () => {
    const blob = await shelve(ID, TINY);
    await rm(blob('tokenizer.json'));
    await symlink('/etc/hostname', blob('tokenizer.json'));
    const { code, out } = await cli('model verify');
    expect(code).toBe(1);
    expect(out).toMatch(/^missing .*leads out of the directory$/m);
  });

  it('refuses what is no name of a model', async () => {
    expect(await cli('model verify ../x')).toMatchObject({ code: 2 });
  });
});

describe('ai-sandbox model retry', () => {
  it('says that the download is tried again', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    expect(await cli('model retry', setup.socketPath)).toMatchObject({ code: 0 });
    expect(setup.calls).toEqual(['retry model']);
  });

  it('ends with the reason why nothing begins', async () => {
    const retryModel = () => Promise.reject(new Error('no model is named: set MODEL_ID in .env'));
    await using setup = await testApi({ control: fakeControl([], { retryModel }) });
    await setup.api.listen();
    const { code, out, err } = await cli('model retry', setup.socketPath);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('set MODEL_ID in .env');
  });
});
