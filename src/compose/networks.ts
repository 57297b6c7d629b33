import {
  type Field,
  type Report,
  readEntries,
  readFlag,
  readItems,
  readKeys,
  readName,
  readTexts,
} from './field.ts';
import { readNamedTexts } from './lists-and-maps.ts';
import { KEYS_AT } from './service-keys.ts';
import type { NetworkAttachment, NetworkSpec, VolumeSpec } from './service-spec.ts';

/** The network of services that name none. */
export const DEFAULT_NETWORK = 'default';

/** `networks:` of a service: a list of keys, or a mapping with aliases. Sorted by key, as docker compose joins them. */
export function readAttachments(field: Field, report: Report): NetworkAttachment[] {
  const attach = (network: string, aliases: string[]): NetworkAttachment => ({
    network,
    aliases,
    ipv4Address: null,
    ipv6Address: null,
    priority: 0,
  });
  const attachments =
    field.node.kind === 'list'
      ? (readItems(field, report) ?? []).flatMap((item) => {
          const name = readName(item, report);
          return name === null ? [] : [attach(name, [])];
        })
      : (readEntries(field, report) ?? []).map((entry) =>
          attach(entry.key, readAliases(entry.field, report)),
        );
  return attachments.sort((a, b) => (a.network < b.network ? -1 : 1));
}

function readAliases(field: Field, report: Report): string[] {
  const unsupported = Object.fromEntries(
    'ipv4_address ipv6_address link_local_ips mac_address driver_opts priority gw_priority interface_name'
      .split(' ')
      .map((key) => [key, 'the engine gives out addresses']),
  );
  const aliases = readKeys(field, { known: KEYS_AT['services.*.networks.*'], unsupported }, report)?.get(
    'aliases',
  );
  return aliases === undefined ? [] : readTexts(aliases, report);
}

/** Top-level `networks:`. */
export function readNetworks(field: Field, project: string, report: Report): NetworkSpec[] {
  const unsupported = Object.fromEntries(
    'driver_opts attachable enable_ipv4 enable_ipv6 internal ipam labels'
      .split(' ')
      .map((key) => [key, 'create the network yourself and name it with external: true']),
  );
  return (readEntries(field, report) ?? []).map(({ key, field: entry }) => {
    const keys = readKeys(entry, { known: KEYS_AT['networks.*'], unsupported, extensions: true }, report);
    const { external, name } = readIdentity(key, keys, project, report);
    const driver = keys?.get('driver');
    if (external && driver !== undefined) report(driver, 'an external network brings its own driver');
    return { key, name, external, driver: driver === undefined ? null : readName(driver, report) };
  });
}

/** Top-level `volumes:`. */
export function readVolumes(field: Field, project: string, report: Report): VolumeSpec[] {
  return (readEntries(field, report) ?? []).map(({ key, field: entry }) => {
    const keys = readKeys(entry, { known: KEYS_AT['volumes.*'], extensions: true }, report);
    const { external, name } = readIdentity(key, keys, project, report);
    for (const own of external ? ['driver', 'driver_opts', 'labels'] : []) {
      const other = keys?.get(own);
      if (other !== undefined) report(other, `an external volume takes no ${own}`);
    }
    const driver = keys?.get('driver');
    const options = keys?.get('driver_opts');
    const labels = keys?.get('labels');
    return {
      key,
      name,
      external,
      driver: driver === undefined ? null : readName(driver, report),
      driverOptions: options === undefined ? {} : readNamedTexts(options, report),
      labels: labels === undefined ? {} : readNamedTexts(labels, report),
    };
  });
}

/** The name in the engine: `name:`, the key itself for an external one, else `<project>_<key>`. */
function readIdentity(key: string, keys: Map<string, Field> | null, project: string, report: Report) {
  const externalField = keys?.get('external');
  const nameField = keys?.get('name');
  const external = externalField === undefined ? false : (readFlag(externalField, report) ?? false);
  const given = nameField === undefined ? null : readName(nameField, report);
  return { external, name: given ?? (external ? key : `${project}_${key}`) };
}
