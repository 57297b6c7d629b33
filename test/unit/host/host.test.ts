import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import type { NetworkInterfaceInfo } from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bootSeconds, readBootId } from '../../../src/host/boot-id.ts';
import { readDisks } from '../../../src/host/disk.ts';
import { linksFor } from '../../../src/host/identity.ts';
import { systemClock } from '../../../src/lib/clock.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'host-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('readDisks', () => {
  test('shows each file system once, under the first path on it', async () => {
    await mkdir(join(directory, 'a'));
    const disks = await readDisks([join(directory, 'a'), directory, '/proc'], systemClock);
    expect(disks.map(({ path }) => path)).toEqual([join(directory, 'a'), '/proc']);
    expect(disks[0]?.bytes_total).toBeGreaterThanOrEqual(disks[0]?.bytes_free ?? Number.POSITIVE_INFINITY);
    expect(disks[0]?.bytes_free).toBeGreaterThan(0);
  });

  test('counts the directory above for a path that is not there yet', async () => {
    const path = join(directory, 'not', 'yet');
    expect((await readDisks([path], systemClock)).map((disk) => disk.path)).toEqual([path]);
  });

  test('leaves out what cannot be looked at', async () => {
    await writeFile(join(directory, 'file'), '');
    expect(await readDisks([join(directory, 'file', 'below')], systemClock)).toEqual([]);
  });
});

describe('the boot', () => {
  test('has an identity, from the file of the kernel', async () => {
    await writeFile(join(directory, 'boot_id'), '5f0c2a8e-1111-4222-8333-0123456789ab\n');
    expect(await readBootId(join(directory, 'boot_id'))).toBe('5f0c2a8e-1111-4222-8333-0123456789ab');
    expect((await stat('/proc/sys/kernel/random/boot_id')).isFile()).toBe(true);
    expect(await readBootId()).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('has none where the kernel tells none', async () => {
    expect(await readBootId(join(directory, 'missing'))).toBeNull();
  });

  test('is older than nothing', () => {
    expect(bootSeconds()).toBeGreaterThan(0);
  });
});

describe('linksFor', () => {
  const on = (address: string, internal = false): NetworkInterfaceInfo => {
    const shared = { netmask: '', mac: '', internal, cidr: null };
    return address.includes(':')
      ? { address, family: 'IPv6', scopeid: 0, ...shared }
      : { address, family: 'IPv4', ...shared };
  };
  const interfaces = {
    lo: [on('127.0.0.1', true), on('::1', true)],
    docker0: [on('172.17.0.1')],
    'br-1a2b': [on('203.0.113.200')],
    eth0: [on('192.168.1.5'), on('fe80::1'), on('203.0.113.9'), on('2001:db8::9')],
  };
  const api = (hostIp: string, hostPort = 8000) => ({ api: [{ hostIp, hostPort, target: '8000/tcp' }] });
  test.each([
    ['loopback', api('127.0.0.1'), interfaces, 'http://localhost:8000'],
    ['IPv6 loopback', api('::1'), interfaces, 'http://localhost:8000'],
    ['another port', api('127.0.0.1', 18000), interfaces, 'http://localhost:18000'],
    ['all addresses', api('0.0.0.0'), interfaces, 'http://203.0.113.9:8000'],
    ['all addresses, unnamed', api(''), interfaces, 'http://203.0.113.9:8000'],
    ['one address', api('192.168.1.5'), interfaces, 'http://192.168.1.5:8000'],
    ['one IPv6 address', api('2001:db8::9'), interfaces, 'http://[2001:db8::9]:8000'],
    [
      'all of a machine with IPv6 only',
      api('::'),
      { eth0: [on('fe80::1'), on('2001:db8::9')] },
      'http://[2001:db8::9]:8000',
    ],
    [
      'all of a machine in a private network',
      api('0.0.0.0'),
      { eth0: [on('10.0.0.7')] },
      'http://10.0.0.7:8000',
    ],
    [
      'all of a machine without a network',
      api('0.0.0.0'),
      { lo: [on('127.0.0.1', true)] },
      'http://localhost:8000',
    ],
    ['nothing', {}, interfaces, null],
    ['udp only', { api: [{ hostIp: '', hostPort: 1, target: '1/udp' }] }, interfaces, null],
  ])('gives the address of a port on %s', (_what, published, given, expected) => {
    expect(linksFor(published, { interfaces: given })).toEqual({ ui: null, api: expected });
  });

  test.each([
    ['0.0.0.0', ['198.51.100.4', '2001:db8::4'], 'http://198.51.100.4:8000'],
    ['0.0.0.0', ['2001:db8::4'], 'http://203.0.113.9:8000'],
    ['::', ['2001:db8::4'], 'http://[2001:db8::4]:8000'],
    ['127.0.0.1', ['198.51.100.4'], 'http://localhost:8000'],
    ['192.168.1.5', ['198.51.100.4'], 'http://192.168.1.5:8000'],
  ])("takes the cloud's word for a port on %s with %j", (hostIp, publicAddresses, expected) => {
    expect(linksFor(api(hostIp), { interfaces, publicAddresses }).api).toBe(expected);
  });
});
