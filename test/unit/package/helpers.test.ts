import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const top = join(import.meta.dirname, '../../..');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('place-compose-file', () => {
  const target = () => join(folder, 'opt/docker-compose.yml');
  const gpuTemplate = readFile(join(top, 'compose/docker-compose.yml'), 'utf8');
  const cpuTemplate = readFile(join(top, 'compose/docker-compose.cpu.yml'), 'utf8');

  /** A machine whose PCI bus has these `[vendor, class]`. */
  const place = async (devices: [string, string][], more: Record<string, string> = {}) => {
    for (const [at, [vendor, kind]] of devices.entries()) {
      await mkdir(join(folder, `pci/${at}`), { recursive: true });
      await writeFile(join(folder, `pci/${at}/vendor`), `${vendor}\n`);
      await writeFile(join(folder, `pci/${at}/class`), `${kind}\n`);
    }
    await mkdir(join(folder, 'state'), { recursive: true });
    return await run(join(top, 'systemd/place-compose-file'), {
      env: {
        PATH: process.env['PATH'] ?? '',
        AI_SANDBOX_COMPOSE_FILE: target(),
        AI_SANDBOX_TEMPLATE_DIR: join(top, 'compose'),
        AI_SANDBOX_PCI_DIR: join(folder, 'pci'),
        STATE_DIRECTORY: join(folder, 'state'),
        ...more,
      },
    });
  };

  it('takes the file for the GPU where a card of NVIDIA is, its driver there or not', async () => {
    await place([
      ['0x8086', '0x060000'],
      ['0x10de', '0x030200'],
    ]);
    expect(await readFile(target(), 'utf8')).toBe(await gpuTemplate);
    expect((await stat(target())).mode & 0o777).toBe(0o644);
    expect(await readdir(join(folder, 'opt'))).toEqual(['docker-compose.yml']);
  });

  it.each<[string, [string, string][]]>([
    ['no PCI bus', []],
    ['a card of somebody else', [['0x1002', '0x030000']]],
    ["NVIDIA's sound only", [['0x10de', '0x040300']]],
  ])('takes the file for the CPU where there is %s', async (_what, devices) => {
    await place(devices);
    expect(await readFile(target(), 'utf8')).toBe(await cpuTemplate);
  });

  it('never overwrites', async () => {
    await mkdir(join(folder, 'opt'));
    await writeFile(target(), 'mine\n');
    await place([]);
    expect(await readFile(target(), 'utf8')).toBe('mine\n');
  });

  it('does not bring back what somebody removed', async () => {
    await place([]);
    await rm(target());
    await place([]);
    await expect(stat(target())).rejects.toThrow('ENOENT');
  });

  it('does what the settings say', async () => {
    await place([], { AI_SANDBOX_TEMPLATE: 'gpu' });
    expect(await readFile(target(), 'utf8')).toBe(await gpuTemplate);
  });

  it('makes nothing of a template that does not exist, and says so as a warning', async () => {
    const { stdout } = await place([], { AI_SANDBOX_TEMPLATE: 'tpu' });
    expect(stdout).toMatch(/^<4>AI_SANDBOX_TEMPLATE is "tpu"/);
    await expect(stat(target())).rejects.toThrow('ENOENT');
  });
});

describe('with-notify-socket', () => {
  const launcher = join(top, 'systemd/with-notify-socket');
  /** Node as the daemon uses it: writes to the descriptor that it is told. */
  const program = "require('node:fs').writeSync(Number(process.env.SD_NOTIFY_FD), 'READY=1')";

  it('hands the command a socket that is connected to the one of systemd', async () => {
    const path = join(folder, 'notify');
    const receiver = spawn('perl', ['-e', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let received = '';
    receiver.stdout.on('data', (chunk) => {
      received += chunk;
    });
    await once(receiver.stdout, 'data');
    spawn(launcher, [process.execPath, '-e', program], {
      env: { ...process.env, NOTIFY_SOCKET: path },
    });
    await once(receiver, 'close');
    expect(received).toBe('listening\nREADY=1\n');
  });

  it.each([
    ['without systemd', {}],
    ['when nobody listens', { NOTIFY_SOCKET: '/nonexistent/notify' }],
  ])('runs the command all the same %s', async (_what, environment) => {
    const { NOTIFY_SOCKET: _ours, ...rest } = process.env;
    const { stdout } = await run(launcher, ['sh', '-c', 'echo "$0 ${SD_NOTIFY_FD:-none}"', 'with space'], {
      env: { ...rest, ...environment },
    });
    expect(stdout).toBe('with space none\n');
  });

  it('passes on how the command ended', async () => {
    await expect(run(launcher, ['sh', '-c', 'exit 78'])).rejects.toMatchObject({ code: 78 });
  });
});

/** Binds a datagram socket, says so, and prints the first message. */
const RECEIVER = `
use strict; use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
bind($s, pack_sockaddr_un($ARGV[0])) or die;
print "listening\\n";
alarm 8;
defined recv($s, my $message, 256, 0) or die;
print "$message\\n";
`;
