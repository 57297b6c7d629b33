import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const script = join(import.meta.dirname, '../../../scripts/stackscript.sh');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stackscript-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What the script needs of the machine, played: every installation is told on a line of stdout. */
const PLAYED = `
work=$PWD network_limit=60 driver=580 skipped=79 user_name=
note() { echo "note: $*"; }
progress() { :; }
uptime_seconds() { echo "$SECONDS"; }
has_gpu() { true; }
nvidia-smi() { false; }
timeout() { shift; [ -e loaded ] || "$@"; }
modprobe() { echo "modprobe $*"; : >loaded; }
lists() { :; }
install() { echo "install $*"; }
uname() { echo "$KERNEL"; }
dpkg() { echo amd64; }
dpkg-query() { printf '%s\\n' $IMAGES | sed 's/^/installed /'; }
offers() { [[ " $OFFERED " == *" $1 "* ]]; }
installable() { local name; for name; do offers "$name" || return 1; done; }
`;

/** Runs functions of the script with the shell options of the script, which `PLAYED` and `line` surround. */
async function shell(functions: readonly string[], line: string, environment: Record<string, string> = {}) {
  const text = await readFile(script, 'utf8');
  const constants = text.match(/^(says_\w+|(model|admin|publish)_\w+|hf_token)=.*$/gm) ?? [];
  const taken = functions.map((name) => {
    const found = new RegExp(`^${name}\\(\\) \\{.*\\}$|^${name}\\(\\) \\{\\n[\\s\\S]*?^\\}$`, 'm').exec(text);
    if (found === null) throw new Error(`the script has no function ${name}`);
    return found[0];
  });
  const parts = ['set -euo pipefail', PLAYED, ...constants, ...taken, line];
  const program = join(folder, 'program');
  await writeFile(program, parts.join('\n'));
  try {
    const { stdout } = await run('bash', [program], { cwd: folder, env: { ...process.env, ...environment } });
    return { code: 0, lines: stdout.trim().split('\n') };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, lines: stdout.trim().split('\n') };
  }
}

describe('offers', () => {
  // Longer than a pipe holds: a reader that has seen enough must not make it fail.
  const LONG = `apt-cache() { echo '  Candidate: 2:580.95.05-1'; seq 100000; }`;

  it.each([
    ['', true],
    ['580\\.', true],
    ['590\\.', false],
  ])('finds a candidate in an answer of any length: version "%s"', async (version, found) => {
    const { lines } = await shell(['offers'], `${LONG}\noffers some "${version}" && echo yes || echo no`);
    expect(lines).toEqual([found ? 'yes' : 'no']);
  });

  it('finds none where there is none', async () => {
    const line = `apt-cache() { echo '  Candidate: (none)'; }\noffers some && echo yes || echo no`;
    expect((await shell(['offers'], line)).lines).toEqual(['no']);
  });
});

describe('an `apt-get update` that fails', () => {
  /** Runs it until it gives up; the second attempt goes well. */
  const update = (said: string) =>
    shell(
      ['one_line', 'lists'],
      `sleep() { :; }
      apt_get() { [ ! -e tried ] || return 0; : >tried; cat said; return 100; }
      printf '%s\\n' "$SAID" >said
      lists; echo went on`,
      { SAID: said },
    );

  it.each([
    [
      'no network',
      "Err:1 http://deb.debian.org/debian bookworm InRelease\n  Temporary failure resolving 'deb.debian.org'\nE: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.debian.org'\nE: Some index files failed to download. They have been ignored, or old ones used instead.",
      'waiting for the network (the package archive does not answer: Failed to fetch',
    ],
    [
      'a clock that is behind',
      'E: Release file for http://deb.debian.org/debian/dists/bookworm-updates/InRelease is not valid yet (invalid for another 2h 3min 4s).',
      'waiting for the clock',
    ],
    [
      'a server in trouble',
      'E: Failed to fetch http://x/InRelease  503  Service Unavailable [IP: 192.0.2.1 80]',
      'waiting for the network',
    ],
  ])('for %s is waited for', async (_what, said, words) => {
    const { code, lines } = await update(said);
    expect(lines.find((line) => line.startsWith('note:'))).toContain(words);
    expect([code, lines.at(-1)]).toEqual([0, 'went on']);
  });

  it.each([
    [
      'a signature',
      "W: GPG error: https://x debian13 InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 97A5D4CB8793F200\nE: The repository 'https://x InRelease' is not signed.",
      "E: the package archive cannot be used: The repository 'https://x InRelease' is not signed.",
    ],
    [
      'an address that is not there',
      'Err:5 https://x Release\n  404  Not Found [IP: 192.0.2.1 443]\nE: Some index files failed to download.\nE: The repository x does not have a Release file.',
      'E: the package archive cannot be used: The repository x does not have a Release file.',
    ],
    [
      'a list of sources with a mistake',
      'E: Malformed entry 1 in list file /etc/apt/sources.list.d/x.list (Suite)\nE: The list of sources could not be read.',
      'E: the package archive cannot be used: The list of sources could not be read.',
    ],
  ])('for %s ends it at once, in the words of apt-get', async (_what, said, words) => {
    const { code, lines } = await update(said);
    expect(code).not.toBe(0);
    expect(lines.at(-1)).toBe(words);
  });
});

describe('what a run writes into .env', () => {
  /** Runs the step with these fields, and returns the lines of the file that was there before. */
  const settings = async (before: string, fields: Record<string, string>) => {
    await writeFile(join(folder, '.env'), before);
    const line = `env_file=$PWD/.env token_file=$PWD/token
      finish_packages() { :; }
      install_directory() { :; }
      settings`;
    const { code } = await shell(['set_env', 'has_env', 'settings'], line, fields);
    expect(code).toBe(0);
    return (await readFile(join(folder, '.env'), 'utf8')).trim().split('\n').sort();
  };
  const DEFAULTS = ['API_BIND=127.0.0.1', 'MODEL_ID=mistralai/Mistral-7B-Instruct-v0.3', 'UI_BIND=0.0.0.0'];

  it('at first: the fields, and the defaults of those that are missing', async () => {
    expect(await settings('', {})).toEqual(DEFAULTS);
    const filled = await settings('', { MODEL_ID: 'a/b', PUBLISH_API: 'yes', WEBUI_ADMIN_EMAIL: 'a@b' });
    expect(filled).toEqual(['API_BIND=0.0.0.0', 'MODEL_ID=a/b', 'UI_BIND=0.0.0.0', 'WEBUI_ADMIN_EMAIL=a@b']);
  });

  it('again without fields: nothing, whatever was edited', async () => {
    const edited = ['API_BIND=0.0.0.0', 'MINE=1', 'MODEL_ID=a/b', 'UI_BIND=127.0.0.1'];
    expect(await settings(`${edited.join('\n')}\n`, {})).toEqual(edited);
  });

  it('again without fields: what is missing', async () => {
    expect(await settings('MODEL_ID=a/b\n', {})).toEqual([
      'API_BIND=127.0.0.1',
      'MODEL_ID=a/b',
      'UI_BIND=0.0.0.0',
    ]);
  });

  it('again with a field: this one', async () => {
    const edited = 'API_BIND=0.0.0.0\nMODEL_ID=a/b\nUI_BIND=127.0.0.1\n';
    expect(await settings(edited, { MODEL_ID: 'c/d', PUBLISH_API: 'no' })).toEqual([
      'API_BIND=127.0.0.1',
      'MODEL_ID=c/d',
      'UI_BIND=127.0.0.1',
    ]);
  });
});

describe('the GPU driver', () => {
  const driver = (environment: Record<string, string>) =>
    shell(
      ['kernel_lines', 'for_the_next_kernel', 'no_module_for', 'gpu_driver'],
      'cuda_repository() { echo the archive of NVIDIA; }\ngpu_driver',
      { IMAGES: '', ...environment },
    );
  const UBUNTU = 'nvidia-utils-580 nvidia-headless-no-dkms-580-open nvidia-headless-580-open';
  const DEBIAN = 'nvidia-kernel-open-dkms nvidia-driver-cuda';

  it("on Ubuntu is the archive's own build for the running kernel", async () => {
    const { code, lines } = await driver({
      KERNEL: '6.8.0-51-generic',
      OFFERED: `${UBUNTU} linux-modules-nvidia-580-open-6.8.0-51-generic linux-headers-6.8.0-51-generic`,
    });
    expect(lines[0]).toBe(
      'install linux-modules-nvidia-580-open-6.8.0-51-generic nvidia-headless-no-dkms-580-open nvidia-utils-580',
    );
    expect([code, lines[1]]).toEqual([0, 'modprobe nvidia']);
  });

  it('on Ubuntu is compiled where the build for this kernel is missing, or does not fit the rest', async () => {
    const { lines } = await driver({
      KERNEL: '6.8.0-51-generic',
      OFFERED: `${UBUNTU} linux-headers-6.8.0-51-generic`,
    });
    expect(lines[0]).toBe('install linux-headers-6.8.0-51-generic nvidia-headless-580-open nvidia-utils-580');
  });

  it('on Ubuntu comes with the newest kernel where the running one has left the archive, and a reboot is asked for', async () => {
    const { code, lines } = await driver({
      KERNEL: '6.8.0-40-generic',
      IMAGES: 'linux-image-6.8.0-40-generic linux-image-generic-hwe-24.04',
      OFFERED: UBUNTU,
    });
    expect(lines[0]).toBe(
      'install linux-image-generic-hwe-24.04 linux-modules-nvidia-580-open-generic-hwe-24.04 nvidia-headless-no-dkms-580-open nvidia-utils-580',
    );
    expect(lines.at(-1)).toMatch(/^ERROR: .* running kernel 6\.8\.0-40-generic; .* reboot/);
    expect(code).not.toBe(0);
  });

  it('on Debian is compiled with the headers of the running kernel', async () => {
    const { code, lines } = await driver({
      KERNEL: '6.1.0-28-cloud-amd64',
      OFFERED: `${DEBIAN} linux-headers-6.1.0-28-cloud-amd64`,
    });
    expect(lines[0]).toBe(
      'install linux-headers-6.1.0-28-cloud-amd64 nvidia-kernel-open-dkms nvidia-driver-cuda',
    );
    expect(code).toBe(0);
  });

  it('on Debian comes with the newest kernel where the headers have left the archive, and a reboot is asked for', async () => {
    const { code, lines } = await driver({ KERNEL: '6.12.48+deb13-cloud-amd64', OFFERED: DEBIAN });
    expect(lines[0]).toBe(
      'install linux-image-cloud-amd64 linux-headers-cloud-amd64 nvidia-kernel-open-dkms nvidia-driver-cuda',
    );
    expect(lines.at(-1)).toContain('reboot');
    expect(code).not.toBe(0);
  });
});

describe('what brings the driver to new kernels', () => {
  const updates = (environment: Record<string, string>) =>
    shell(
      ['kernel_lines', 'skip', 'gpu_driver_updates'],
      'installed() { [[ " $INSTALLED " == *" $1 "* ]]; }\ngpu_driver_updates',
      environment,
    );

  it.each([
    ['linux-image-generic', '6.8.0-51-generic', 'linux-modules-nvidia-580-open-generic'],
    ['linux-image-virtual', '6.8.0-51-generic', 'linux-modules-nvidia-580-open-generic'],
    ['linux-image-generic-hwe-24.04', '6.11.0-9-generic', 'linux-modules-nvidia-580-open-generic-hwe-24.04'],
    ['linux-image-unsigned-6.8.0-1021-aws', '6.8.0-1021-aws', 'linux-modules-nvidia-580-open-aws'],
  ])('on Ubuntu follows what brings the kernels: %s', async (image, kernel, follows) => {
    const { lines } = await updates({
      KERNEL: kernel,
      IMAGES: `linux-image-${kernel} ${image}`,
      INSTALLED: `linux-modules-nvidia-580-open-${kernel}`,
      OFFERED: follows,
    });
    expect(lines).toEqual([`install ${follows}`]);
  });

  it('where it is compiled, headers follow', async () => {
    const { lines } = await updates({
      KERNEL: '6.1.0-28-amd64',
      IMAGES: 'linux-image-6.1.0-28-amd64 linux-image-amd64',
      INSTALLED: 'nvidia-kernel-open-dkms',
      OFFERED: 'linux-headers-amd64',
    });
    expect(lines).toEqual(['install linux-headers-amd64']);
  });

  it('is told as missing where the archive has none', async () => {
    const { code, lines } = await updates({
      KERNEL: '6.1.0-28-amd64',
      IMAGES: '',
      INSTALLED: 'nvidia-kernel-open-dkms',
      OFFERED: '',
    });
    expect([code, lines[0]]).toEqual([79, expect.stringContaining('linux-headers-amd64')]);
  });
});
