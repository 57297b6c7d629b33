import {
  type Field,
  type Report,
  readEntries,
  readItems,
  readKeys,
  readName,
  readText,
  readTexts,
  readWhole,
  readWord,
} from './field.ts';
import { readNamedTexts } from './lists-and-maps.ts';
import { KEYS_AT, PULL_POLICIES } from './service-keys.ts';
import type { ServiceSpec } from './service-spec.ts';
import { splitShellWords } from './shell-words.ts';

/** A command line is cut into words as a shell does; a list is taken as it is. */
export function readCommand(field: Field, report: Report): string[] | null {
  if (field.node.kind === 'scalar') {
    const text = readText(field, report);
    if (text === null) return null;
    return splitShellWords(text) ?? report(field, 'a quote in the command is not closed');
  }
  return (readItems(field, report) ?? []).map((item) => readText(item, report) ?? '');
}

/** A name that the engine accepts for a container. */
export function readContainerName(field: Field, report: Report): string | null {
  const name = readName(field, report);
  if (name === null || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return name;
  return report(field, `"${name}" is no container name: letters, digits, _ . - and no - or . at the start`);
}

/** Network modes beside another service's or container's. */
const NETWORK_MODES = ['host', 'none', 'bridge'];

/** `network_mode:`. */
export function readNetworkMode(field: Field, report: Report): string | null {
  const mode = readName(field, report);
  if (mode === null || NETWORK_MODES.includes(mode) || /^(service|container):./.test(mode)) return mode;
  return report(field, `"${mode}" is none of ${NETWORK_MODES.join(', ')}, service:NAME, container:NAME`);
}

/** IPC modes beside another service's or container's. */
const IPC_MODES = ['host', 'none', 'private', 'shareable'];

/** `ipc:`. */
export function readIpc(field: Field, report: Report): string | null {
  const mode = readName(field, report);
  if (mode === null || IPC_MODES.includes(mode) || /^(service|container):./.test(mode)) return mode;
  return report(field, `"${mode}" is none of ${IPC_MODES.join(', ')}, service:NAME, container:NAME`);
}

/** `restart:` as its author wrote it. */
export function readRestart(field: Field, report: Report): string | null {
  const text = readText(field, report);
  if (text === null || /^(no|always|unless-stopped|on-failure(:\d+)?)$/.test(text)) return text;
  return report(field, `"${text}" is none of "no", always, unless-stopped, on-failure, on-failure:N`);
}

/** `pull_policy:`; both words for "when it is missing" are one. */
export function readPullPolicy(field: Field, report: Report): ServiceSpec['pullPolicy'] | null {
  const policy = readWord(field, PULL_POLICIES, report);
  return policy === 'if_not_present' ? 'missing' : policy;
}

const CONDITIONS = ['service_started', 'service_healthy', 'service_completed_successfully'] as const;

/** `depends_on:` as a list, or as a mapping with conditions. */
export function readDependencies(field: Field, report: Report): ServiceSpec['dependsOn'] {
  if (field.node.kind === 'list')
    return readTexts(field, report).map((service) => ({ service, condition: 'service_started' }));
  return (readEntries(field, report) ?? []).map(({ key, field: entry }) => {
    const unsupported = {
      restart: 'a service is not restarted for another one',
      required: 'every service of the file is wanted',
    };
    const condition = readKeys(
      entry,
      { known: KEYS_AT['services.*.depends_on.*'], unsupported },
      report,
    )?.get('condition');
    if (condition === undefined) report(entry, `condition is missing: one of ${CONDITIONS.join(', ')}`);
    return {
      service: key,
      condition:
        (condition === undefined ? null : readWord(condition, CONDITIONS, report)) ?? 'service_started',
    };
  });
}

/** No limit. */
const UNLIMITED = -1;

/** `ulimits:`: one number for both limits, or soft and hard; sorted by name. */
export function readUlimits(field: Field, report: Report): ServiceSpec['ulimits'] {
  const limit = (value: Field) => readWhole(value, UNLIMITED, Number.MAX_SAFE_INTEGER, report) ?? 0;
  const limits = (readEntries(field, report) ?? []).map(({ key, field: entry }) => {
    if (!/^[a-z]+$/.test(key)) report(entry, `"${key}" is no name of a limit, for example nofile`);
    if (entry.node.kind !== 'map') {
      const both = limit(entry);
      return { name: key, soft: both, hard: both };
    }
    const keys = readKeys(entry, { known: KEYS_AT['services.*.ulimits.*'] }, report);
    const soft = keys?.get('soft');
    const hard = keys?.get('hard');
    if (soft === undefined || hard === undefined) report(entry, 'soft and hard are both wanted');
    return {
      name: key,
      soft: soft === undefined ? 0 : limit(soft),
      hard: hard === undefined ? 0 : limit(hard),
    };
  });
  return limits.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Labels that tell whose a container is; a file may not set them. */
const RESERVED_LABELS = ['com.docker.compose.', 'io.ai-sandbox.'];

/** `labels:`, without those that tell whose a container is. */
export function readLabels(field: Field, report: Report): Record<string, string> {
  const labels = readNamedTexts(field, report);
  for (const name of Object.keys(labels))
    if (RESERVED_LABELS.some((prefix) => name.startsWith(prefix)))
      report(field, `the label ${name} is reserved`);
  return labels;
}

/** `HOST=ADDRESS` or `HOST:ADDRESS`, as a list or a mapping; kept as the engine's `HOST:ADDRESS`. */
export function readExtraHosts(field: Field, report: Report): string[] {
  if (field.node.kind !== 'list')
    return Object.entries(readNamedTexts(field, report)).map(([host, address]) => `${host}:${address}`);
  return (readItems(field, report) ?? []).flatMap((item) => {
    const text = readName(item, report);
    const match = /^([^:=\s]+)[:=](.+)$/.exec(text ?? '');
    if (match !== null) return [`${match[1]}:${(match[2] ?? '').replace(/^\[(.*)\]$/, '$1')}`];
    if (text !== null) report(item, `"${text}" is not of the form HOST=ADDRESS`);
    return [];
  });
}

/** `logging:`. */
export function readLogging(field: Field, report: Report): ServiceSpec['logging'] {
  const keys = readKeys(field, { known: KEYS_AT['services.*.logging'] }, report);
  const driver = keys?.get('driver');
  const options = keys?.get('options');
  return {
    driver: driver === undefined ? null : readName(driver, report),
    options: options === undefined ? {} : readNamedTexts(options, report),
  };
}

/** `security_opt:`; a profile in a file is not read. */
export function readSecurityOptions(field: Field, report: Report): string[] {
  return (readItems(field, report) ?? []).flatMap((item) => {
    const option = readName(item, report);
    if (option === null) return [];
    const [name = '', value] = option.split(/[=:](.*)/s);
    if (value === undefined && name !== 'no-new-privileges')
      report(item, `"${option}" is not of the form NAME=VALUE`);
    if (name === 'seccomp' && value !== undefined && value !== 'unconfined' && value !== 'builtin')
      report(item, 'a seccomp profile in a file is not supported; use seccomp=unconfined or none');
    return [option];
  });
}
