import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PrivateEngine, privateEngine, tinyImage } from '../support/engine.ts';

/** An engine that starts again, beside other work. */
const TEST_LIMIT_MS = 60_000;

describe('the private engine of the tests', { timeout: TEST_LIMIT_MS }, () => {
  let engine: PrivateEngine;
  let image: string;
  beforeAll(async () => {
    engine = await privateEngine('test-private-engine');
    image = await tinyImage(engine);
  }, 2 * TEST_LIMIT_MS);

  it('runs a container of the tiny image', async () => {
    const run = await engine.docker(['run', '--rm', image, 'sh', '-c', 'echo from inside']);
    expect(run).toMatchObject({ code: 0, stdout: 'from inside\n' });
  });

  it('connects two containers of one network by their names', async () => {
    await engine.docker(['network', 'create', 'pair']);
    await engine.docker([
      'run',
      '-d',
      '--name',
      'page',
      '--network',
      'pair',
      image,
      'sh',
      '-c',
      'echo hello > /www/index.html; exec httpd -f -p 80 -h /www',
    ]);
    const read = await engine.docker([
      'run',
      '--rm',
      '--network',
      'pair',
      image,
      'wget',
      '-q',
      '-O',
      '-',
      'http://page/',
    ]);
    expect(read).toMatchObject({ code: 0, stdout: 'hello\n' });
  });

  it('answers again after its process was killed, with the containers it had', async () => {
    const before = engine.pid;
    engine.kill('SIGKILL');
    await engine.restart();
    expect(engine.pid).not.toBe(before);
    const names = await engine.docker(['ps', '-a', '--format', '{{.Names}}']);
    expect(names.stdout).toContain('page');
  });

  it('can be stopped although its process is frozen, and leaves no container process behind', async () => {
    await engine.docker(['run', '-d', '--name', 'left', image, 'sleep', '987654']);
    const left = await engine.docker(['inspect', '-f', '{{.State.Pid}}', 'left']);
    engine.kill('SIGSTOP');
    await engine.stop();
    await expect(readFile(`/proc/${left.stdout.trim()}/status`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
