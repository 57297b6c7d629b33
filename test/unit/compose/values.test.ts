import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestWord } from '../../../src/compose/near-miss.ts';
import { parseBytes, parseDuration } from '../../../src/compose/quantities.ts';
import { SERVICE_KEYS } from '../../../src/compose/service-keys.ts';
import { splitShellWords } from '../../../src/compose/shell-words.ts';
import { errorsOf, projectOf, serviceOf } from '../../support/compose-input.ts';

describe('sizes and times', () => {
  it.each([
    ['0', 0],
    ['64', 64],
    ['64b', 64],
    ['1k', 1024],
    ['1kb', 1024],
    ['1KiB', 1024],
    ['1.5gb', 1.5 * 2 ** 30],
    ['2G', 2 ** 31],
    ['1 m', 2 ** 20],
    ['', null],
    ['1x', null],
    ['-1', null],
    ['1.g', null],
    ['9999999p', null],
  ])('reads %j as %s bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each([
    ['0', 0],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['2.5h', 9_000_000],
    ['500ms', 500],
    ['10us', 0.01],
    ['1d', 86_400_000],
    ['10', null],
    ['s', null],
    ['1s x', null],
    ['-1s', null],
  ])('reads %j as %s milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});

describe('a command line', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a"b"'c'd`, ['abcd']],
    [`''`, ['']],
    [`"a \\"b\\" \\n \\$x"`, ['a "b" \\n $x']],
    ['a\\ b \\\\', ['a b', '\\']],
    ['a \\\n b', ['a', 'b']],
    ['', []],
    [`"open`, null],
    [`'open`, null],
  ])('%j is cut into %j', (text, words) => {
    expect(splitShellWords(text)).toEqual(words);
  });

  it('gives back every list of words that was quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
        expect(splitShellWords(line)).toEqual(words);
      }),
    );
  });
});

describe('the word that was meant', () => {
  it.each([
    ['enviroment', 'environment'],
    ['comand', 'command'],
    ['shm-size', 'shm_size'],
    ['Image', 'image'],
    ['prots', 'ports'],
    ['volume', 'volumes'],
    ['zzzzzz', null],
    ['x', null],
  ])('for %j is %j', (word, meant) => {
    expect(nearestWord(word, SERVICE_KEYS)).toBe(meant);
  });
});

describe('a service', () => {
  it('has ports in every short and long form', () => {
    const lines = `ports:
  - 80
  - "8080:81"
  - "127.0.0.1:8081:82/udp"
  - "127.0.0.1::83"
  - "9000-9001:90-91"
  - "[::1]:8083:94"
  - {target: 95, published: "8084", host_ip: 127.0.0.1, protocol: sctp}`;
    expect(
      serviceOf(lines).ports.map(
        (port) => `${port.hostIp} ${port.published} ${port.target} ${port.protocol}`,
      ),
    ).toEqual([
      ' null 80 tcp',
      ' 8080 81 tcp',
      '127.0.0.1 8081 82 udp',
      '127.0.0.1 null 83 tcp',
      ' 9000 90 tcp',
      ' 9001 91 tcp',
      '::1 8083 94 tcp',
      '127.0.0.1 8084 95 sctp',
    ]);
  });

  it('has host paths resolved from the file and from home', () => {
    const { mounts } = serviceOf('volumes: ["./a:/a", "../b:/b:ro", "~/c:/c/", "/d:/d", "~:/e"]', {
      home: '/home/me',
    });
    expect(mounts.map((mount) => (mount.kind === 'bind' ? [mount.source, mount.target] : []))).toEqual([
      ['/opt/box/a', '/a'],
      ['/opt/b', '/b'],
      ['/home/me/c', '/c'],
      ['/d', '/d'],
      ['/home/me', '/e'],
    ]);
  });

  it('creates a missing source of a short volume, of a long one only without a bind section or where it says so', () => {
    const lines = `volumes:
  - /a:/a
  - {type: bind, source: /b, target: /b}
  - {type: bind, source: /c, target: /c, bind: {}}
  - {type: bind, source: /d, target: /d, bind: {create_host_path: true}}`;
    const created = serviceOf(lines).mounts.map((mount) => mount.kind === 'bind' && mount.createHostPath);
    expect(created).toEqual([true, true, false, true]);
  });

  it('needs the service first whose network or IPC it shares', () => {
    const text = `services:
  a: {image: i}
  b: {image: i, network_mode: "service:a", ipc: "service:a"}
  c: {image: i, ipc: "service:a", depends_on: {a: {condition: service_healthy}}}
`;
    expect(projectOf(text).services.map((service) => service.dependsOn)).toEqual([
      [],
      [{ service: 'a', condition: 'service_started' }],
      [{ service: 'a', condition: 'service_healthy' }],
    ]);
  });

  it('asks for GPUs in each of the three forms', () => {
    expect(serviceOf('gpus: all').deviceRequests).toEqual([
      { driver: '', count: -1, deviceIds: [], capabilities: ['gpu'], options: {} },
    ]);
    const reserved = 'deploy: {resources: {reservations: {devices: [DEVICE]}}}';
    const nvidia = reserved.replace('DEVICE', '{driver: nvidia, count: all, capabilities: [gpu]}');
    expect(serviceOf(nvidia).deviceRequests).toMatchObject([{ driver: 'nvidia', count: -1 }]);
    const cdi = reserved.replace(
      'DEVICE',
      '{driver: cdi, device_ids: ["nvidia.com/gpu=all"], capabilities: [gpu]}',
    );
    expect(serviceOf(cdi).deviceRequests).toMatchObject([
      { driver: 'cdi', count: null, deviceIds: ['nvidia.com/gpu=all'] },
    ]);
  });

  it('keeps the space for its image', () => {
    expect(serviceOf('x-ai-sandbox: {image_bytes: 30gb}\nx-other: [1]').imageBytes).toBe(30 * 2 ** 30);
  });

  it('takes its environment from env_files in their order, then from environment', () => {
    const files = { '/opt/box/one.env': 'A=1\nB=1\nC=$OUT', '/opt/box/two.env': 'B=2\nD=2' };
    const lines = `env_file: [one.env, {path: two.env}, {path: gone.env, required: false}]
environment: {D: "3", A: }`;
    expect(serviceOf(lines, { files, variables: { OUT: 'outside' } }).environment).toEqual({
      B: '2',
      C: 'outside',
      D: '3',
    });
  });

  it('is read with every key at its null, as docker compose reads it', () => {
    for (const key of SERVICE_KEYS.filter((name) => name !== 'image'))
      expect({ key, errors: errorsOf(`services: {a: {image: i, ${key}: }}`) }).toEqual({ key, errors: [] });
  });
});
