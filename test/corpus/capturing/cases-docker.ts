import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, Lab } from './case.ts';

/** A `docker run` with these options and this command, which the engine refuses. */
function refused(
  name: string,
  expect: string,
  note: string,
  options: (lab: Lab) => string[] | Promise<string[]>,
  command: string[] = ['true'],
): Case {
  return {
    name,
    family: 'docker',
    expect,
    note,
    run: {
      command: async (lab) => [
        ...['run', '--name', lab.container, '--network', 'none', '--entrypoint', command[0] ?? 'true'],
        ...(await options(lab)),
        lab.images.ui,
        ...command.slice(1),
      ],
    },
  };
}

/** Any other command of the client. */
function command(
  name: string,
  expect: string,
  note: string,
  words: (lab: Lab) => string[] | Promise<string[]>,
): Case {
  return { name, family: 'docker', expect, note, run: { command: async (lab) => words(lab) } };
}

const pull = (name: string, expect: string, note: string, image: string) =>
  command(name, expect, note, () => ['pull', image]);

export const DOCKER_CASES: readonly Case[] = [
  refused('gpu-no-toolkit', 'gpu_missing', 'a GPU is asked for, no toolkit is installed', () => [
    '--gpus',
    'all',
  ]),
  refused('gpu-runtime-unknown', 'gpu_missing', 'the runtime nvidia is not configured', () => [
    '--runtime',
    'nvidia',
  ]),
  refused('device-missing', 'device_missing', 'a device that is not there', () => [
    '--device',
    '/dev/nvidia0',
  ]),
  refused('command-missing', 'command_not_found', 'a command that is not in the image', () => [], [
    'no-such-command',
  ]),
  refused('command-path-missing', 'command_not_found', 'a path of a command that is not there', () => [], [
    '/opt/none',
  ]),
  refused('command-is-folder', 'command_not_executable', 'the command is a folder', () => [], ['/etc']),
  refused('command-not-executable', 'command_not_executable', 'the command may not be executed', () => [], [
    '/etc/passwd',
  ]),
  refused(
    'command-other-format',
    'image_wrong_platform',
    'the command is a file that the kernel cannot run',
    async ({ folder }) => {
      await writeFile(join(folder, 'program'), 'no program\n', { mode: 0o755 });
      return ['-v', `${folder}/program:/program`];
    },
    ['/program'],
  ),
  refused('workdir-is-file', 'container_option_invalid', 'the working directory is a file', () => [
    '--workdir',
    '/etc/passwd',
  ]),
  refused('user-unknown', 'container_user_unknown', 'a user who is not in the image', () => [
    '--user',
    'nobody-here',
  ]),
  refused('mount-source-missing', 'mount_source_missing', 'a bind mount whose source does not exist', () => [
    ...['--mount', 'type=bind,source=/no/such/folder,target=/data'],
  ]),
  refused(
    'mount-file-on-folder',
    'mount_invalid',
    'a file is mounted where the image has a folder',
    async ({ folder }) => {
      await writeFile(join(folder, 'file'), 'x');
      return ['-v', `${folder}/file:/usr/lib`];
    },
  ),
  refused('mount-relative', 'mount_invalid', 'a mount target that is no absolute path', ({ folder }) => [
    '-v',
    `${folder}:data`,
  ]),
  refused('mount-twice', 'mount_invalid', 'two mounts at one place', ({ folder }) => [
    ...['-v', `${folder}:/data`, '-v', '/tmp:/data'],
  ]),
  command('port-of-container', 'port_in_use', 'a port that another container has', async (lab) => {
    await lab.docker([
      ...[
        'run',
        '-d',
        '--name',
        `${lab.container}-first`,
        '-p',
        '127.0.0.1:18931:80',
        '--entrypoint',
        'sleep',
        lab.images.ui,
        '60',
      ],
    ]);
    return [
      'run',
      '--name',
      lab.container,
      '-p',
      '127.0.0.1:18931:80',
      '--entrypoint',
      'true',
      lab.images.ui,
    ];
  }),
  command('port-of-process', 'port_in_use', 'a port that a process of the machine has', async (lab) => {
    await lab.docker([
      ...[
        'run',
        '-d',
        '--name',
        `${lab.container}-first`,
        '--network',
        'host',
        '--entrypoint',
        'python3',
        lab.images.ui,
      ],
      ...['-m', 'http.server', '18932', '--bind', '127.0.0.1'],
    ]);
    await lab.sleep(2000);
    return [
      'run',
      '--name',
      lab.container,
      '-p',
      '127.0.0.1:18932:80',
      '--entrypoint',
      'true',
      lab.images.ui,
    ];
  }),
  command('name-taken', 'name_taken', 'a name that another container has', async (lab) => {
    await lab.docker(['create', '--name', lab.container, '--entrypoint', 'true', lab.images.ui]);
    return ['create', '--name', lab.container, '--entrypoint', 'true', lab.images.ui];
  }),
  command('network-missing', 'network_missing', 'a network that does not exist', (lab) => [
    ...[
      'run',
      '--name',
      lab.container,
      '--network',
      'no-such-network',
      '--entrypoint',
      'true',
      lab.images.ui,
    ],
  ]),
  command(
    'network-overlaps',
    'network_unavailable',
    'a network whose addresses overlap with another one',
    async (lab) => {
      await lab.docker(['network', 'create', '--subnet', '10.99.77.0/24', `${lab.container}-first`]);
      return ['network', 'create', '--subnet', '10.99.77.0/24', `${lab.container}-second`];
    },
  ),
  command(
    'link-missing',
    'container_option_invalid',
    'the network of a container that does not exist',
    (lab) => [
      ...[
        'run',
        '--name',
        lab.container,
        '--network',
        'container:no-such-container',
        '--entrypoint',
        'true',
        lab.images.ui,
      ],
    ],
  ),
  refused('memory-too-small', 'resource_limit_refused', 'a memory limit below the least', () => [
    '--memory',
    '2m',
  ]),
  refused('cpus-too-many', 'resource_limit_refused', 'more CPUs than the machine has', () => [
    '--cpus',
    '4096',
  ]),
  refused('cpuset-unknown', 'resource_limit_refused', 'CPUs that the machine does not have', () => [
    '--cpuset-cpus',
    '900-901',
  ]),
  refused(
    'seccomp-profile',
    'security_profile_missing',
    'a seccomp profile that is no profile',
    async ({ folder }) => {
      await writeFile(join(folder, 'seccomp.json'), '{"defaultAction": 7}');
      return ['--security-opt', `seccomp=${folder}/seccomp.json`];
    },
  ),
  refused('capability-unknown', 'container_option_invalid', 'a capability that does not exist', () => [
    '--cap-add',
    'FLY',
  ]),
  refused('log-driver-unknown', 'container_option_invalid', 'a log driver that does not exist', () => [
    '--log-driver',
    'nosuch',
  ]),
  refused(
    'log-option-unknown',
    'container_option_invalid',
    'an option that the log driver does not have',
    () => [...['--log-driver', 'local', '--log-opt', 'no-such=1']],
  ),
  command('image-missing', 'image_not_found', 'an image that is not there and may not be pulled', (lab) => [
    ...['run', '--pull', 'never', '--name', lab.container, 'acme/no-such-image:1'],
  ]),
  pull('pull-refused', 'registry_unreachable', 'nothing listens at the registry', '127.0.0.1:9/acme/image:1'),
  pull(
    'pull-unknown-host',
    'registry_unreachable',
    'a registry whose name nobody knows',
    'registry.invalid/acme/image:1',
  ),
  pull('pull-bad-reference', 'image_not_found', 'a name that is none', 'Acme/Image:1'),
  {
    name: 'socket-missing',
    family: 'docker',
    expect: 'docker_unreachable',
    note: 'no engine at the socket',
    run: { command: async () => ['-H', 'unix:///run/no-such-docker.sock', 'ps'] },
  },
];
