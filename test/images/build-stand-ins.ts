// Makes the two stand-in images from what this machine has: Node's own binary, the shared libraries it needs, and the
// sources in test/stand-ins. No registry, no network, no builder.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineCall, engineSocket, jsonBody, mustCall } from './engine-api.ts';
import { type TarEntry, tarArchive } from './tar.ts';

/** Image that behaves like `vllm/vllm-openai`. */
const STAND_IN_API_IMAGE = 'ai-sandbox-stand-in/vllm:1';
/** Image that behaves like `ghcr.io/open-webui/open-webui`. */
const STAND_IN_UI_IMAGE = 'ai-sandbox-stand-in/open-webui:1';

const BASE_REPOSITORY = 'ai-sandbox-stand-in/base';
/** Label that holds the hash of what an image was made of: another hash makes it anew. */
const CONTENT_LABEL = 'ai-sandbox.stand-in.content';
const SOURCES = fileURLToPath(new URL('../stand-ins/', import.meta.url));
const DIRECTORY_MODE = 0o755;

/** Files every container needs besides Node: name resolution and a root user. */
const SYSTEM_FILES: readonly TarEntry[] = [
  ...[
    'tmp/',
    'root/',
    'var/',
    'var/lib/',
    'var/lib/stand-in/',
    'vllm-workspace/',
    'app/',
    'app/backend/',
    'app/backend/data/',
  ].map((path): TarEntry => ({ path, mode: path === 'tmp/' ? 0o1777 : DIRECTORY_MODE, content: null })),
  { path: 'etc/nsswitch.conf', mode: 0o644, content: Buffer.from('hosts: files dns\n') },
  { path: 'etc/passwd', mode: 0o644, content: Buffer.from('root:x:0:0:root:/root:/sbin/nologin\n') },
  { path: 'etc/group', mode: 0o644, content: Buffer.from('root:x:0:\n') },
];

interface StandIn {
  image: string;
  /** Its folder in test/stand-ins and the program the image starts. */
  folder: string;
  program: string;
  config: Record<string, unknown>;
}

const STAND_INS: readonly StandIn[] = [
  {
    image: STAND_IN_API_IMAGE,
    folder: 'vllm',
    program: 'vllm',
    config: { Entrypoint: ['vllm', 'serve'], Cmd: null, WorkingDir: '/vllm-workspace' },
  },
  {
    image: STAND_IN_UI_IMAGE,
    folder: 'open-webui',
    program: 'open-webui',
    config: {
      Entrypoint: null,
      Cmd: ['open-webui', 'serve'],
      WorkingDir: '/app/backend',
      ExposedPorts: { '8080/tcp': {} },
      Healthcheck: { Test: ['CMD', 'open-webui', 'healthcheck'] },
    },
  },
];

/** The shared libraries of a program, as the loader names them, with the loader itself. */
function sharedLibraries(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '').sort();
}

/** Node and its libraries as entries; the files are read when the archive is written. */
function* baseEntries(libraries: readonly string[]): Generator<TarEntry> {
  yield* SYSTEM_FILES;
  yield { path: 'usr/local/bin/node', mode: 0o755, content: readFileSync(process.execPath) };
  for (const library of libraries) {
    yield { path: library.slice(1), mode: 0o755, content: readFileSync(realpathSync(library)) };
  }
}

/** Tag of the base image: changes with Node's version and the libraries. */
function baseTag(libraries: readonly string[]): string {
  const hash = createHash('sha256').update(`${process.version} ${process.arch}`);
  for (const entry of SYSTEM_FILES) hash.update(entry.path).update(entry.content ?? '');
  for (const library of libraries) hash.update(library).update(readFileSync(realpathSync(library)));
  return hash.digest('hex').slice(0, 12);
}

/** The stand-in's own layer: its sources and the program that starts them. */
function sourceEntries(standIn: StandIn): TarEntry[] {
  const files = [
    'http.ts',
    ...readdirSync(join(SOURCES, standIn.folder))
      .sort()
      .map((name) => `${standIn.folder}/${name}`),
  ];
  const start = `#!/usr/local/bin/node\nimport('/opt/stand-in/${standIn.folder}/main.ts');\n`;
  return [
    { path: 'opt/stand-in/package.json', mode: 0o644, content: Buffer.from('{"type":"module"}\n') },
    ...files.map(
      (file): TarEntry => ({
        path: `opt/stand-in/${file}`,
        mode: 0o644,
        content: readFileSync(join(SOURCES, file)),
      }),
    ),
    { path: `usr/local/bin/${standIn.program}`, mode: 0o755, content: Buffer.from(start) },
  ];
}

async function contentOf(socketPath: string, image: string): Promise<string | null> {
  const answer = await engineCall(socketPath, 'GET', `/images/${image}/json`);
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw new Error(`inspect of ${image}: ${answer.status} ${answer.text.trim()}`);
  const { Config: config } = JSON.parse(answer.text) as {
    Config: { Labels?: Record<string, string> | null } | null;
  };
  return config?.Labels?.[CONTENT_LABEL] ?? '';
}

async function makeStandIn(
  socketPath: string,
  standIn: StandIn,
  base: string,
  entries: TarEntry[],
  content: string,
): Promise<void> {
  const created = await mustCall(
    socketPath,
    'POST',
    '/containers/create',
    jsonBody({ Image: base, Cmd: ['node'] }),
  );
  const { Id: id } = JSON.parse(created) as { Id: string };
  try {
    await mustCall(socketPath, 'PUT', `/containers/${id}/archive?path=%2F`, {
      type: 'application/x-tar',
      chunks: tarArchive(entries),
    });
    const [repository = '', tag = ''] = standIn.image.split(':');
    const query = new URLSearchParams({ container: id, repo: repository, tag });
    const environment = ['PATH=/usr/local/bin', 'HOME=/root'];
    await mustCall(
      socketPath,
      'POST',
      `/commit?${query}`,
      jsonBody({ ...standIn.config, Env: environment, Labels: { [CONTENT_LABEL]: content } }),
    );
  } finally {
    await mustCall(socketPath, 'DELETE', `/containers/${id}?force=true`);
  }
}

/**
 * Makes both stand-in images in the engine of `dockerHost` (default: DOCKER_HOST) unless they are there and made of the
 * same sources. Calls `say` with one line for each image it makes. Throws with the engine's words.
 */
export async function buildStandIns(
  options: { dockerHost?: string | undefined; say?: (line: string) => void } = {},
): Promise<{ api: string; ui: string }> {
  const socketPath = engineSocket(options.dockerHost ?? process.env['DOCKER_HOST']);
  const say = options.say ?? (() => undefined);
  const libraries = sharedLibraries(process.execPath);
  const base = `${BASE_REPOSITORY}:${baseTag(libraries)}`;
  for (const standIn of STAND_INS) {
    const entries = sourceEntries(standIn);
    const hash = createHash('sha256').update(base).update(JSON.stringify(standIn.config));
    for (const chunk of tarArchive(entries)) hash.update(chunk);
    const content = hash.digest('hex');
    if ((await contentOf(socketPath, standIn.image)) === content) continue;
    if ((await contentOf(socketPath, base)) === null) {
      say(`making ${base} from this machine's Node ${process.version} (some seconds)`);
      const [repository = '', tag = ''] = base.split(':');
      const query = new URLSearchParams({ fromSrc: '-', repo: repository, tag });
      await mustCall(socketPath, 'POST', `/images/create?${query}`, {
        type: 'application/x-tar',
        chunks: tarArchive(baseEntries(libraries)),
      });
    }
    say(`making ${standIn.image}`);
    await makeStandIn(socketPath, standIn, base, entries, content);
  }
  return { api: STAND_IN_API_IMAGE, ui: STAND_IN_UI_IMAGE };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await buildStandIns({ say: (line) => process.stderr.write(`${line}\n`) });
}
