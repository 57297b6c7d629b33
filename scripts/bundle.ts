import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

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

/** CommonJS packages inside an ES module still want require, __filename and __dirname. */
const COMMONJS_GLOBALS =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename, __dirname = import.meta.dirname;";

/**
 * Bundles each entry (name → source file) into one ES module `<folder>/<name>.mjs` with everything inside.
 * Returns the sizes in bytes by file.
 */
export async function bundle(
  entries: Record<string, string>,
  folder: string,
): Promise<Record<string, number>> {
  const top = join(import.meta.dirname, '..');
  const { version } = JSON.parse(await readFile(join(top, 'package.json'), 'utf8')) as { version: string };
  const result = await build({
    entryPoints: entries,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    sourcemap: 'linked',
    legalComments: 'none',
    banner: { js: COMMONJS_GLOBALS },
    define: { 'process.env.AI_SANDBOX_BUILD_VERSION': JSON.stringify(version) },
    plugins: [unusedPackages],
    logLevel: 'warning',
    metafile: true,
  });
  return Object.fromEntries(
    Object.entries(result.metafile.outputs)
      .filter(([file]) => file.endsWith('.mjs'))
      .map(([file, { bytes }]) => [file, bytes]),
  );
}
