import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * dockerode carries clients for ssh:// engines and for BuildKit. The daemon speaks to a Unix socket and builds nothing,
 * so they are replaced by modules that throw when called: 1.6 MB less to load at each start.
 */
const UNUSED_PACKAGES = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs)(\/|$)/;
const unusedPackages: Plugin = {
  name: 'unused-packages',
  setup(builder) {
    builder.onResolve({ filter: UNUSED_PACKAGES }, ({ path }) => ({ path, namespace: 'unused' }));
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => () => { throw new Error('${path} is not part of ai-sandbox: ' + String(name)); } });`,
      loader: 'js',
    }));
  },
};

/**
 * Node's own modules are required rather than imported: an import of `node:http` reads every export at once, among them
 * `WebSocket`, for which Node loads its own copy of undici (50 ms of a start).
 */
const requiredBuiltins: Plugin = {
  name: 'required-builtins',
  setup(builder) {
    builder.onResolve({ filter: /^[a-z_:/]+$/ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
      loader: 'js',
    }));
  },
};

const top = join(import.meta.dirname, '..');

/**
 * The programs that are shipped, but for the daemon itself: what starts it, the command, a short process and two threads of
 * the daemon, and what the unit runs after its end.
 */
const SHIPPED_MODULES = {
  main: join(top, 'src/launch-main.ts'),
  'ai-sandbox': join(top, 'src/cli/main.ts'),
  'chat-database-reader': join(top, 'src/chat/database-reader-main.ts'),
  'model-downloader': join(top, 'src/model/download/thread-main.ts'),
  'model-hasher': join(top, 'src/model/download/hash-worker-main.ts'),
  'stop-stamp': join(top, 'src/deployment/stop-stamp-main.ts'),
};
const DAEMON = { daemon: join(top, 'src/main.ts') };

/** Names of the files that `bundleShipped` makes. */
export const SHIPPED_FILES: readonly string[] = [
  ...Object.keys(SHIPPED_MODULES).map((name) => `${name}.mjs`),
  ...Object.keys(DAEMON).map((name) => `${name}.cjs`),
];

/**
 * Bundles everything that is shipped into `folder`; `version` is the one that the programs report, by default that of
 * package.json. Returns the sizes in bytes by file.
 */
export async function bundleShipped(folder: string, version?: string): Promise<Record<string, number>> {
  const modules = await bundle(SHIPPED_MODULES, folder, version);
  // A script rather than a module: V8's cache of one can hold what its run has compiled (src/lib/code-cache.ts).
  const daemon = await make(DAEMON, folder, version, {
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    define: { 'import.meta.url': '__moduleUrl', 'import.meta.dirname': '__dirname' },
  });
  return { ...modules, ...daemon };
}

/** CommonJS packages inside an ES module still want require, __filename and __dirname. */
const COMMONJS_GLOBALS =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename, __dirname = import.meta.dirname;";

/**
 * Bundles each entry (name → source file) into one ES module `<folder>/<name>.mjs` with everything inside; `version` is the
 * one that the programs report, by default that of package.json. Returns the sizes in bytes by file.
 */
export function bundle(
  entries: Record<string, string>,
  folder: string,
  version?: string,
): Promise<Record<string, number>> {
  return make(entries, folder, version, {
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    banner: { js: COMMONJS_GLOBALS },
    plugins: [requiredBuiltins],
  });
}

async function make(
  entries: Record<string, string>,
  folder: string,
  version: string | undefined,
  form: Pick<BuildOptions, 'outExtension' | 'format' | 'banner' | 'define' | 'plugins'>,
): Promise<Record<string, number>> {
  const own = JSON.parse(await readFile(join(top, 'package.json'), 'utf8')) as { version: string };
  const result = await build({
    ...form,
    entryPoints: entries,
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // Node reads the whole text at each start, compiled before or not: half the size is 40 ms less. The map has the names.
    minify: true,
    sourcemap: 'linked',
    // Paths in the output are relative to this, whoever calls.
    absWorkingDir: top,
    legalComments: 'none',
    define: {
      ...form.define,
      'process.env.AI_SANDBOX_BUILD_VERSION': JSON.stringify(version ?? own.version),
    },
    plugins: [unusedPackages, ...(form.plugins ?? [])],
    logLevel: 'warning',
    metafile: true,
  });
  return Object.fromEntries(
    Object.entries(result.metafile.outputs)
      .filter(([file]) => !file.endsWith('.map'))
      .map(([file, { bytes }]) => [file, bytes]),
  );
}
