import { isIP } from 'node:net';
import {
  type Field,
  type Report,
  readItems,
  readKeys,
  readLooseText,
  readText,
  readWhole,
  readWord,
} from './field.ts';
import { KEYS_AT } from './service-keys.ts';
import type { PublishedPort } from './service-spec.ts';

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const LAST_PORT = 65_535;

/** `ports:` in the short form (`8080:80`, `127.0.0.1:9000-9001:80-81/udp`, `80`) and the long one. */
export function readPorts(field: Field, report: Report): PublishedPort[] {
  return (readItems(field, report) ?? []).flatMap((item) =>
    item.node.kind === 'map' ? readLongPort(item, report) : readShortPort(item, report),
  );
}

const LONG_KEYS = {
  known: KEYS_AT['services.*.ports[]'],
  unsupported: { mode: 'it is for clusters', app_protocol: '', name: '' },
} as const;

function readLongPort(field: Field, report: Report): PublishedPort[] {
  const keys = readKeys(field, LONG_KEYS, report);
  if (keys === null) return [];
  const targetField = keys.get('target');
  if (targetField === undefined) {
    report(field, 'target is missing: the port inside the container');
    return [];
  }
  const target = readWhole(targetField, 1, LAST_PORT, report);
  const publishedField = keys.get('published');
  const published = publishedField === undefined ? null : readWhole(publishedField, 0, LAST_PORT, report);
  const protocolField = keys.get('protocol');
  const protocol = protocolField === undefined ? 'tcp' : readWord(protocolField, PROTOCOLS, report);
  const hostIpField = keys.get('host_ip');
  const hostIp = hostIpField === undefined ? '' : readText(hostIpField, report);
  if (hostIpField !== undefined && hostIp !== null && hostIp !== '' && isIP(hostIp) === 0)
    report(hostIpField, `"${hostIp}" is no IP address`);
  if (target === null || protocol === null) return [];
  return [{ target, published: published === 0 ? null : published, hostIp: hostIp ?? '', protocol }];
}

const SHORT_FORM = '[HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL], for example "127.0.0.1:8080:80"';

function readShortPort(field: Field, report: Report): PublishedPort[] {
  const text = readLooseText(field, report);
  if (text === null) return [];
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):)?(?:([0-9-]*):)?([0-9-]+)(?:\/(\w+))?$/.exec(text);
  const fail = (message: string): PublishedPort[] => {
    report(field, message);
    return [];
  };
  if (match === null) return fail(`"${text}" is no port: ${SHORT_FORM}`);
  const [, ip6 = '', ip4OrPort = '', publishedText = '', targetText = '', protocolText = 'tcp'] = match;
  // `8080:80` has no address: what looks like one without dots is the published port.
  const isPort = ip4OrPort !== '' && !ip4OrPort.includes('.') && publishedText === '' && !text.includes('::');
  const hostIp = isPort ? ip6 : ip6 || ip4OrPort;
  if (hostIp !== '' && isIP(hostIp) === 0) return fail(`"${hostIp}" is no IP address`);
  const protocol = PROTOCOLS.find((candidate) => candidate === protocolText.toLowerCase());
  if (protocol === undefined) return fail(`"${protocolText}" is no protocol: ${PROTOCOLS.join(', ')}`);
  const targets = portRange(targetText);
  if (targets === null) return fail(`"${targetText}" is no port or range from 1 to ${LAST_PORT}`);
  const wanted = isPort ? ip4OrPort : publishedText;
  if (wanted === '') return targets.map((target) => ({ target, published: null, hostIp, protocol }));
  const published = portRange(wanted);
  if (published === null) return fail(`"${wanted}" is no port or range from 1 to ${LAST_PORT}`);
  if (published.length !== targets.length)
    return fail(`the ranges ${wanted} and ${targetText} are not equally long`);
  return targets.map((target, index) => ({ target, published: published[index] ?? null, hostIp, protocol }));
}

/** Ports of `80` or `80-82`; null where it is no range. */
function portRange(text: string): number[] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first < 1 || last > LAST_PORT || last < first) return null;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** `expose:` as the engine gets it: `80`, `90-92/udp`; a number becomes its text. */
export function readExpose(field: Field, report: Report): string[] {
  return (readItems(field, report) ?? []).flatMap((item) => {
    const text = readLooseText(item, report);
    if (text === null) return [];
    const [ports = '', protocol = 'tcp', ...rest] = text.split('/');
    const valid =
      portRange(ports) !== null && rest.length === 0 && PROTOCOLS.some((known) => known === protocol);
    return valid ? [text] : (report(item, `"${text}" is no port: PORT[-PORT][/PROTOCOL]`) ?? []);
  });
}
