import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readComposeProject } from '../../../src/compose/read-project.ts';
import {
  COMPOSE_FILE,
  errorsOf,
  projectOf,
  serviceOf,
  serviceText,
  showError,
} from '../../support/compose-input.ts';

const shown = (text: string, extra = {}) => errorsOf(text, extra).map(showError);

describe('text that is no YAML', () => {
  it.each([
    [
      'a key without a colon',
      'services:\n  ui\n    image: x\n',
      /^2:3 .*behind a key stand a colon and a space/,
    ],
    ['a colon too much', 'services:\n  a:\n    command: a: b\n', /^3:14 .*with ": " in it in quotes/],
    ['a line indented otherwise', 'services:\n  a:\n    image: x\n   user: x\n', /^4:1 .*indented otherwise/],
    ['a quote that is open', 'services:\n  a:\n    image: "x\n', /a quote or bracket .* is not closed/],
    [
      'a reserved character',
      'services:\n  a:\n    image: @x\n',
      /^3:12 .*begins with this character in quotes/,
    ],
  ])('says what to do about %s', (_what, text, expected) => {
    expect(shown(text)[0]).toMatch(expected);
  });
});

describe('a project', () => {
  it('has the directory for a name where the file gives none, in the form docker compose makes of it', () => {
    const text = 'services: {a: {image: i}}';
    expect(projectOf(text, { file: '/srv/_My Box.1/docker-compose.yml' }).name).toBe('mybox1');
  });

  it('gives every service without networks the default network, and names it after the project', () => {
    expect(projectOf(serviceText('')).networks).toEqual([
      { key: 'default', name: 'box_default', external: false, driver: null },
    ]);
  });

  it('takes settings of the default network from the file', () => {
    expect(projectOf(`${serviceText('')}networks: {default: {name: mine}}`).networks).toMatchObject([
      { key: 'default', name: 'mine' },
    ]);
  });

  it('names networks and volumes after project and key, external ones after their key', () => {
    const text = `${serviceText('networks: [n, e]\nvolumes: ["v:/v", "w:/w"]')}networks: {n: , e: {external: true}}
volumes: {v: , w: {external: true, name: other}}`;
    const { networks, volumes } = projectOf(text);
    expect(networks.map(({ name }) => name)).toEqual(['box_n', 'e']);
    expect(volumes.map(({ name }) => name)).toEqual(['box_v', 'other']);
  });

  it('says once what it accepts and does not use, with the line', () => {
    const text = `version: "3"\n${serviceText('restart: always')}networks: {spare: }\nvolumes: {left: }\n`;
    expect(projectOf(text).notices).toEqual([
      'line 1: version has no meaning any more and is ignored',
      'line 6: restart: always is not handed to Docker; ai-sandbox restarts it itself',
      'line 7: the network spare is used by no service and is not created',
      'line 8: the volume left is used by no service and is not created',
    ]);
  });

  it('says that vLLM and Open WebUI are known by the names of their services only', () => {
    const text = `services:
  vllm: {image: "vllm/vllm-openai:v0.11.0"}
  open-webui: {image: "ghcr.io/open-webui/open-webui:main"}
  other: {image: redis}
`;
    expect(projectOf(text).notices).toEqual([
      expect.stringMatching(/^line 2: vllm has the image of vLLM, .*; call it api$/),
      expect.stringMatching(/^line 3: open-webui has the image of Open WebUI, .*; call it ui$/),
    ]);
    expect(projectOf(text.replace('vllm:', 'api:').replace(' open-webui:', ' ui:')).notices).toEqual([]);
  });

  it('tells which names were not set', () => {
    expect(projectOf(serviceText('hostname: "x${NAME}"')).notices).toEqual([
      'line 5: NAME is not set and counts as empty (in services.a.hostname)',
    ]);
  });

  it('is the same for every file of the comparison with docker compose, read twice', () => {
    const folder = new URL('../../fixtures/compose/', import.meta.url);
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.yml'))) {
      const input = {
        file: COMPOSE_FILE,
        text: readFileSync(new URL(name, folder), 'utf8'),
        variables: { MODEL_ID: 'o/n', VLLM_API_KEY: 'k', OUTSIDE: 'x' },
        readFile: () => 'A=1',
        home: '/root',
      };
      expect(readComposeProject(input)).toEqual(readComposeProject(input));
      expect(readComposeProject(input)).not.toHaveProperty('errors');
    }
  });
});

describe('an error', () => {
  it('of YAML has its place', () => {
    expect(shown('services:\n  a: {image: i\n')).toMatchObject([
      expect.stringMatching(/^\d+:\d+ {2}not valid YAML/),
    ]);
    expect(shown('a: 1\na: 2\n')).toEqual([
      '2:1  this key stands twice in the same mapping; keep one of them',
    ]);
    expect(shown('a:\n\tb: 1\n')[0]).toMatch(/^2:1 {2}a tab stands where YAML wants spaces/);
    expect(shown('')).toEqual(['1:1  the file is empty']);
    expect(shown('- a')).toEqual(['1:1  a mapping is wanted, not a list']);
    expect(shown('--- 1\n--- 2')[0]).toContain('more than one document');
    expect(shown('services: !!binary eA==')[0]).toContain(
      'the YAML tag tag:yaml.org,2002:binary is not supported',
    );
    expect(shown('services: !reset {}')[0]).toContain('!reset');
    // Taken at its word, such a file would end everything that runs.
    expect(shown('name: p\nservices: {}')).toEqual([
      '2:1 services no service is named: each stands indented under this key',
    ]);
    expect(serviceOf('user: !!str 1000').user).toBe('1000');
  });

  it('of an unknown key has file, line, column, path and the key that was meant', () => {
    expect(errorsOf('services:\n  api:\n    image: i\n    enviroment: {}\n')).toEqual([
      {
        file: COMPOSE_FILE,
        line: 4,
        column: 5,
        key: 'services.api.enviroment',
        message: 'unknown key "enviroment"; did you mean "environment"?',
      },
    ]);
  });

  it('of a key of docker compose that is not supported says so, with what to do', () => {
    expect(shown(serviceText('build: .\nprivileged: true\nzzz: 1'))).toEqual([
      '5:5 services.a.build "build" is a key of docker compose that ai-sandbox does not support: build the image first and name it under image',
      '6:5 services.a.privileged "privileged" is a key of docker compose that ai-sandbox does not support: take it out',
      '7:5 services.a.zzz unknown key "zzz"',
    ]);
  });

  it('is not the only one: all of them come back, in the order of lines', () => {
    const text = `servces: {}
name: Box
services:
  a:
    image: 5
    ports: ["x", {target: 99999}]
    network_mode: nowhere
    depends_on: [b]
  c: {image: i, container_name: "-"}
  d: text
  e: {}
volumes: {v: {drivr: x}}
`;
    expect(shown(text)).toEqual([
      '1:1 servces unknown key "servces"; did you mean "services"?',
      '2:1 name "Box" is no project name: lower-case letters, digits, _ and -',
      '5:5 services.a.image YAML reads 5 as a number; write it in quotes',
      '6:13 services.a.ports[0] "x" is no port: [HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL], for example "127.0.0.1:8080:80"',
      '6:19 services.a.ports[1].target a whole number from 1 to 65535 is wanted, not "99999"',
      '7:5 services.a.network_mode "nowhere" is none of host, none, bridge, service:NAME, container:NAME',
      '8:5 services.a.depends_on there is no service "b" in this file; did you mean "a"?',
      '9:17 services.c.container_name "-" is no container name: letters, digits, _ . - and no - or . at the start',
      '10:3 services.d a service is a mapping, with at least an image',
      '11:3 services.e image is missing',
      '12:15 volumes.v.drivr unknown key "drivr"; did you mean "driver"?',
    ]);
  });

  it('of an expression stands where the expression stands', () => {
    expect(shown('services:\n  api:\n    image: "vllm:${TAG:?choose a tag}"\n')).toEqual([
      '3:18 services.api.image ${TAG:?choose a tag}: TAG is not set: choose a tag',
    ]);
    expect(shown(serviceText('command: >-\n  one\n  two ${X:?}'))[0]).toMatch(/^7:11 services\.a\.command/);
  });

  it('of an expression is the only one at its value', () => {
    const lines =
      'hostname: ${A:?}\nmem_limit: ${B:?}\nports: ["${C:?}"]\nlabels: {a.b: "${D:?}"}\nread_only: ${E:?}';
    expect(shown(serviceText(lines)).map((line) => line.split(' ')[1])).toEqual([
      'services.a.hostname',
      'services.a.mem_limit',
      'services.a.ports[0]',
      'services.a.labels."a.b"',
      'services.a.read_only',
    ]);
  });

  it('in an anchor that is used twice comes once', () => {
    const text =
      'x-e: &e {A: "${B:?}"}\nservices:\n  a: {image: i, environment: *e}\n  b: {image: i, environment: *e}\n';
    expect(shown(text)).toHaveLength(1);
  });

  it('in an env_file names that file', () => {
    const errors = errorsOf(serviceText('env_file: e.env'), { files: { '/opt/box/e.env': 'A="x' } });
    expect(errors).toMatchObject([{ file: '/opt/box/e.env', line: 1, key: 'A' }]);
  });

  it.each([
    [
      'env_file: gone.env',
      'services.a.env_file the file /opt/box/gone.env cannot be read; create it, or write required: false',
    ],
    [
      'environment: {A: 0755}',
      'services.a.environment.A YAML reads 0755 as a number and would rewrite it; write it in quotes',
    ],
    ['environment: {A: 1.0}', 'YAML reads 1.0 as a number'],
    ['environment: {A: True}', 'YAML reads True as a flag'],
    ['environment: {A: 2026-01-01}', 'YAML reads 2026-01-01 as a date'],
    ['environment: {A: [1]}', 'a text or number is wanted, not a list'],
    ['environment: ["=x"]', 'a name is wanted before the ='],
    ['user: 1000', 'YAML reads 1000 as a number; write it in quotes'],
    ['read_only: yes', 'true or false is wanted, not "yes"'],
    ['command: "a \'b"', 'a quote in the command is not closed'],
    ['ports: ["80:81:82:83"]', 'is no port'],
    ['ports: ["8000-8002:80-81"]', 'the ranges 8000-8002 and 80-81 are not equally long'],
    ['ports: ["80/http"]', '"http" is no protocol: tcp, udp, sctp'],
    ['ports: [{published: 1}]', 'target is missing'],
    ['ports: ["0:80"]', '"0" is no port or range'],
    ['expose: ["80/x"]', 'is no port: PORT[-PORT][/PROTOCOL]'],
    ['volumes: [data:/d]', 'there is no volume "data" in this file'],
    ['volumes: ["/a:b"]', 'the path in the container must begin with /: b'],
    ['volumes: ["/a:/b:rx"]', 'unknown option "rx"; known here: ro, rw'],
    ['volumes: ["/a:/b", "/c:/b/"]', 'something is already mounted at /b'],
    ['volumes: ["~/a:/b"]', 'no home directory is known'],
    ['volumes: ["~x/a:/b"]', 'homes of other users are not supported'],
    ['volumes: [{type: npipe, source: a, target: /b}]', 'one of bind, volume, tmpfs is wanted, not "npipe"'],
    ['volumes: [{type: tmpfs, target: /b, bind: {}}]', '"bind" does not fit type: tmpfs'],
    ['volumes: [{type: bind, target: /b}]', 'source is missing'],
    ['networks: [nowhere]', 'there is no network "nowhere" in this file'],
    ['networks: {default: {ipv4_address: 10.0.0.1}}', '"ipv4_address" is a key of docker compose'],
    ['network_mode: host\nnetworks: [default]', 'networks and network_mode exclude each other'],
    ['network_mode: service:b', 'there is no service "b" in this file'],
    ['depends_on: [a]', 'services wait for each other in a circle: a → a'],
    ['depends_on: {b: {condition: soon}}', 'one of service_started, service_healthy'],
    ['healthcheck: {test: [echo, x]}', 'a test begins with one of NONE, CMD, CMD-SHELL, not "echo"'],
    ['healthcheck: {test: [CMD]}', 'the test has no command'],
    ['healthcheck: {interval: 10}', '"10" is no duration; numbers with units are wanted'],
    ['healthcheck: {disable: true, test: x}', 'disable: true does not go together with a test'],
    ['shm_size: lots', '"lots" is no size'],
    ['ulimits: {nofile: {soft: 1}}', 'soft and hard are both wanted'],
    ['ulimits: {nofile: -2}', 'a whole number from -1'],
    ['labels: {com.docker.compose.project: x}', 'the label com.docker.compose.project is reserved'],
    ['labels: {io.ai-sandbox.x: x}', 'is reserved'],
    [
      'deploy: {replicas: 2}',
      '"replicas" is a key of docker compose that ai-sandbox does not support: it is for clusters',
    ],
    ['deploy: {resources: {reservations: {devices: [{count: 1}]}}}', 'capabilities is missing'],
    ['gpus: [{count: 1, device_ids: ["0"]}]', 'count and device_ids exclude each other'],
    ['gpus: some', '"all" or a list is wanted'],
    ['security_opt: [seccomp=profile.json]', 'a seccomp profile in a file is not supported'],
    ['extra_hosts: [alone]', '"alone" is not of the form HOST=ADDRESS'],
    ['pull_policy: daily', 'one of always, never, missing, if_not_present is wanted'],
    ['restart: sometimes', '"sometimes" is none of "no", always'],
    ['tmpfs: run', 'the path in the container must begin with /: run'],
    ['x-ai-sandbox: {image_byte: 1}', 'unknown key "image_byte"; did you mean "image_bytes"?'],
    ['hostname: "a\\0b"', 'the text holds a NUL character'],
    ['image: other', 'this key stands twice'],
    ['ipc: everyone', '"everyone" is none of host, none, private, shareable'],
  ])('is what %j gives', (lines, message) => {
    expect(shown(serviceText(lines)).join('\n')).toContain(message);
  });

  it('is a circle of three', () => {
    const text = `services:
  a: {image: i, depends_on: [b]}
  b: {image: i, network_mode: "service:c"}
  c: {image: i, depends_on: [a]}
`;
    expect(shown(text)[0]).toContain('a → b → c → a');
  });

  it('is a container name that another service has', () => {
    const text = 'name: p\nservices:\n  a: {image: i}\n  b: {image: i, container_name: p-a-1}\n';
    expect(shown(text)).toEqual([
      '4:17 services.b.container_name the container name p-a-1 is already that of a',
    ]);
  });

  it('is the token of the hub among the names that are let in', () => {
    expect(shown(`x-ai-sandbox: {environment: [HF_TOKEN, FINE]}\n${serviceText('')}`)).toEqual([
      '1:30 x-ai-sandbox.environment[0] HF_TOKEN is never handed to a container; the daemon uses it for the hub alone',
    ]);
  });
});

describe('a message', () => {
  it('quotes no secret that an expression has put in the wrong place', () => {
    const variables = { VLLM_API_KEY: 'sk-planted-0123456789', MODEL_ID: 'o/n' };
    const lines = `ports: ["\${VLLM_API_KEY}"]
mem_limit: x\${VLLM_API_KEY}
read_only: \${VLLM_API_KEY}\${MODEL_ID}
pull_policy: \${VLLM_API_KEY}
depends_on: ["\${VLLM_API_KEY}"]
hostname: \${NOT:?\${VLLM_API_KEY}}`;
    const errors = shown(serviceText(lines), { variables });
    expect(errors).toHaveLength(6);
    expect(errors.join('\n')).not.toContain('planted');
    expect(errors[2]).toContain('not "${VLLM_API_KEY}o/n"');
  });

  it('says why the token of the hub is empty', () => {
    expect(projectOf(serviceText('environment: {A: "$HF_TOKEN"}')).notices).toEqual([
      'line 5: HF_TOKEN is never handed to a container and counts as empty (in services.a.environment.A)',
    ]);
  });

  it('is cut where it would quote a whole page', () => {
    expect(shown(serviceText(`shm_size: ${'x'.repeat(5000)}`))[0]?.length).toBeLessThan(400);
  });
});

describe('YAML', () => {
  it('merges with <<, the own keys first, then the first of a list', () => {
    const text = `x-a: &a {image: one, user: root}
x-b: &b {image: two, hostname: h}
services:
  s: {<<: [*a, *b], user: me}
`;
    expect(projectOf(text).services[0]).toMatchObject({ image: 'one', user: 'me', hostname: 'h' });
  });

  it('refuses to merge what is no mapping', () => {
    expect(shown('services: {a: {<<: [1], image: i}}')[0]).toContain('the merge key << takes a mapping');
  });

  it('ends a bomb of aliases with an error, at once', () => {
    const levels = ['x-0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
    for (let level = 1; level < 12; level += 1)
      levels.push(
        `x-${level}: &l${level} [${Array(10)
          .fill(`*l${level - 1}`)
          .join(', ')}]`,
      );
    expect(shown(`${levels.join('\n')}\nservices: {}`)[0]).toContain(
      'grows beyond 20000 values by its aliases',
    );
  });

  it('ends an alias of itself with an error', () => {
    expect(shown('services: &s {a: *s}')[0]).toContain('contains itself');
  });

  it('names an alias without anchor', () => {
    expect(shown('services: {a: *gone}').join()).toContain('gone');
  });

  it('ends absurd nesting with an error', () => {
    expect(shown(`services: ${'['.repeat(100)}${']'.repeat(100)}`)[0]).toContain(
      'nested deeper than 64 levels',
    );
  });
});

describe('a value', () => {
  it('from an expression counts as text, so that a number in .env needs no quotes there', () => {
    expect(
      serviceOf('user: ${ID}\nmem_limit: ${M}\nread_only: ${RO}', {
        variables: { ID: '0100', M: '1g', RO: 'true' },
      }),
    ).toMatchObject({
      user: '0100',
      memoryLimitBytes: 2 ** 30,
      readOnly: true,
    });
  });

  it('reaches a service only where the file names it', () => {
    const variables = { VLLM_API_KEY: 'sk-secret', OTHER: 'x' };
    const service = serviceOf('environment: [OTHER]', { variables });
    expect(JSON.stringify(service)).not.toContain('sk-secret');
    expect(service.environment).toEqual({ OTHER: 'x' });
  });

  it('without value that nobody sets is taken away from the image', () => {
    expect(serviceOf('environment: {A: , B: }', { variables: { B: '' } })).toMatchObject({
      environment: { B: '' },
      unsetEnvironment: ['A'],
    });
  });

  it('keeps names that every object has', () => {
    const { environment } = serviceOf('environment: {__proto__: p, constructor: c}');
    expect(Object.entries(environment)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
  });
});
