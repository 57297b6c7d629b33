import { createHash } from 'node:crypto';
import type { PrivateEngine } from '../support/engine.ts';
import { bootMachine } from './machine.ts';
import { rootImage, type Suite } from './root-image.ts';

/** Lists of the archive and about 100 MB of packages. */
const INSTALL_LIMIT_MS = 600_000;

/** The engine is installed but has never run: a policy forbids it, as for every image of a cloud that is made for later. */
const INSTALL = `set -e
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
if apt-cache show docker-cli >/dev/null 2>&1; then cli=docker-cli; else cli=; fi
apt-get install -y -q --no-install-recommends docker.io $cli pigz
rm /usr/sbin/policy-rc.d
apt-get clean`;

/**
 * The root of {@link rootImage} with Docker installed, made once; returns its tag. What needs no installation from the
 * archive starts from it, and is an image "with everything preinstalled".
 */
export async function engineImage(engine: PrivateEngine, suite: Suite): Promise<string> {
  const root = await rootImage(engine, suite);
  const tag = `ai-sandbox-test/${suite}-engine:${createHash('sha256').update(root).update(INSTALL).digest('hex').slice(0, 12)}`;
  const present = await engine.docker(['image', 'inspect', tag]);
  if (present.code === 0) return tag;
  process.stderr.write(`ai-sandbox: installing Docker into that root (about half a minute, once)\n`);
  const machine = await bootMachine(engine, `making-${suite}-engine`, { suite, image: root });
  try {
    await machine.must(INSTALL, { timeoutMs: INSTALL_LIMIT_MS });
    await machine.saveAs(tag);
  } finally {
    await machine.remove();
  }
  return tag;
}
