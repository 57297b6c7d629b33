import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PrivateEngine } from '../support/engine.ts';

const run = promisify(execFile);
const commonScript = fileURLToPath(new URL('../../scripts/lib/common.sh', import.meta.url));

/** Debian releases a machine can be made of. */
export type Suite = 'bookworm' | 'trixie';

/** Fetching and unpacking about 100 packages, on a busy machine. */
const MAKE_LIMIT_MS = 600_000;

/**
 * What a small server of a cloud has: systemd as PID 1, a login, kernel modules' tools, curl, and the sudo that new users
 * get. From Debian 13 on `login` is a package like any other.
 */
const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'procps',
  'iproute2',
  'iptables',
  'ca-certificates',
  'curl',
  'login',
  'kmod',
  'sudo',
];

/**
 * Makes the root file system of a bare Debian as an image of the engine, unless it is there from a former run; returns its
 * tag. The certificates of this machine go in, because a network may have an authority of its own.
 * Installs mmdebstrap where it is missing. Throws with its words.
 */
export async function rootImage(engine: PrivateEngine, suite: Suite): Promise<string> {
  const script = makingScript(suite);
  const tag = `ai-sandbox-test/${suite}:${createHash('sha256').update(script).digest('hex').slice(0, 12)}`;
  const present = await engine.docker(['image', 'inspect', tag]);
  if (present.code === 0) return tag;
  process.stderr.write(`ai-sandbox: making a root file system of Debian ${suite} (about a minute, once)\n`);
  await run('bash', ['-c', script, 'make-root', tag], {
    timeout: MAKE_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DOCKER_HOST: engine.dockerHost },
  });
  return tag;
}

/** `$1` is the tag. An image has no documents and translations: they are a third of its files. */
function makingScript(suite: Suite): string {
  return `set -euo pipefail
source '${commonScript}'
need mmdebstrap mmdebstrap debian-archive-keyring
mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --include=${PACKAGES.join(',')} \
  --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"' \
  --customize-hook='rm -f "$1/etc/machine-id"; echo uninitialized > "$1/etc/machine-id"' \
  ${suite} - | docker import - "$1"
`;
}
