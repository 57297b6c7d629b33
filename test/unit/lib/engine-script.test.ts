import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, '../../../scripts/lib/engine.sh');

/** A docker command whose context and whose answer the test decides; like the real one it lets DOCKER_HOST win. */
const DOCKER = `#!/bin/sh
case "$1" in
  context) [ -n "$CONTEXT_HOST" ] || exit 1; echo "$CONTEXT_HOST" ;;
  version) [ "\${ANSWERS:-yes}" = yes ] || exit 1; echo 99.0 ;;
esac
`;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-script-'));
  await writeFile(join(folder, 'docker'), DOCKER);
  await chmod(join(folder, 'docker'), 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What programs see after `engine_use`, and what it said; where a private engine would be started it ends instead. */
async function afterUse(environment: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const script = [
    `source ${SCRIPT}`,
    'engine_install() { echo private; exit; }',
    'id() { echo 0; }',
    'engine_use name',
    'echo "$DOCKER_HOST ${DOCKER_CONTEXT:-none} ${DOCKER_TLS_VERIFY:-none}"',
  ].join('\n');
  return run('bash', ['-c', script], {
    env: { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, ...environment },
  });
}

describe('the engine that the scripts use', () => {
  it('is at DOCKER_HOST, at the socket of the context, or at the usual place', async () => {
    const usual = await afterUse({});
    expect(usual.stdout).toBe('unix:///var/run/docker.sock none none\n');
    const context = await afterUse({ DOCKER_CONTEXT: 'mine', CONTEXT_HOST: 'unix:///run/mine.sock' });
    expect(context.stdout).toBe('unix:///run/mine.sock none none\n');
    const named = await afterUse({
      DOCKER_HOST: 'unix:///run/named.sock',
      CONTEXT_HOST: 'unix:///run/mine.sock',
    });
    expect(named.stdout).toBe('unix:///run/named.sock none none\n');
  });

  it.each([
    { DOCKER_HOST: 'tcp://192.0.2.1:2376', DOCKER_TLS_VERIFY: '1' },
    { DOCKER_HOST: 'ssh://root@192.0.2.1' },
    { DOCKER_CONTEXT: 'far', CONTEXT_HOST: 'ssh://root@192.0.2.1' },
  ])('is a private one where it would be on no socket of this machine: %o', async (environment) => {
    const { stdout, stderr } = await afterUse(environment);
    expect(stdout).toBe('private\n');
    expect(stderr).toContain('192.0.2.1');
    expect(stderr).toContain('on no socket of this machine');
  });

  it('is a private one where none answers', async () => {
    const { stdout, stderr } = await afterUse({ ANSWERS: 'no' });
    expect(stdout).toBe('private\n');
    expect(stderr).toContain('no Docker engine answers');
  });
});
