import { posix } from 'node:path';
import {
  type Field,
  type Report,
  readFlag,
  readItems,
  readKeys,
  readLooseText,
  readName,
  readText,
  readTexts,
  readWord,
} from './field.ts';
import { parseBytes } from './quantities.ts';
import { KEYS_AT } from './service-keys.ts';
import type { MountSpec } from './service-spec.ts';

const PROPAGATIONS = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave'] as const;
const SELINUX = ['z', 'Z'] as const;

/** Where relative host paths and `~` lead. */
export interface HostPaths {
  /** Directory of the compose file. */
  directory: string;
  /** Home directory for `~`; null where there is none. */
  home: string | null;
}

/** `volumes:` of a service in the short form (`./data:/data:ro`) and the long one. One target may stand only once. */
export function readMounts(field: Field, paths: HostPaths, report: Report): MountSpec[] {
  const mounts: MountSpec[] = [];
  for (const item of readItems(field, report) ?? []) {
    const mount = item.node.kind === 'map' ? readLong(item, paths, report) : readShort(item, paths, report);
    if (mount === null) continue;
    if (!mount.target.startsWith('/'))
      report(item, `the path in the container must begin with /: ${mount.target}`);
    else if (mounts.some((other) => other.target === mount.target))
      report(item, `something is already mounted at ${mount.target}`);
    else mounts.push(mount);
  }
  return mounts;
}

function readShort(field: Field, paths: HostPaths, report: Report): MountSpec | null {
  const text = readText(field, report);
  if (text === null) return null;
  const parts = text.split(':');
  if (text === '' || parts.length > 3 || parts.includes(''))
    return report(field, `"${text}" is no volume: [SOURCE:]TARGET[:OPTIONS], for example "./data:/data:ro"`);
  const [first = '', second, optionText] = parts;
  const target = cleanTarget(second ?? first);
  const source = second === undefined ? null : first;
  const options = optionText === undefined ? [] : optionText.split(',');
  const isPath = source !== null && /^[./~]/.test(source);
  const known = isPath ? ['ro', 'rw', ...PROPAGATIONS, ...SELINUX] : ['ro', 'rw', 'nocopy'];
  for (const option of options)
    if (!known.includes(option)) report(field, `unknown option "${option}"; known here: ${known.join(', ')}`);
  const readOnly = options.findLast((option) => option === 'ro' || option === 'rw') === 'ro';
  if (source === null || !isPath)
    return { kind: 'volume', source, target, readOnly, noCopy: options.includes('nocopy'), subpath: null };
  const path = hostPath(source, paths, field, report);
  if (path === null) return null;
  return {
    kind: 'bind',
    source: path,
    target,
    readOnly,
    createHostPath: true,
    propagation: PROPAGATIONS.find((option) => options.includes(option)) ?? null,
    selinux: SELINUX.find((option) => options.includes(option)) ?? null,
  };
}

const LONG_KEYS = {
  known: KEYS_AT['services.*.volumes[]'],
  unsupported: { consistency: 'it has no meaning on Linux', image: '' },
} as const;
const TYPES = ['bind', 'volume', 'tmpfs'] as const;

function readLong(field: Field, paths: HostPaths, report: Report): MountSpec | null {
  const keys = readKeys(field, LONG_KEYS, report);
  if (keys === null) return null;
  const typeField = keys.get('type');
  if (typeField === undefined) return report(field, `type is missing: one of ${TYPES.join(', ')}`);
  const kind = readWord(typeField, TYPES, report);
  const targetField = keys.get('target');
  if (targetField === undefined) return report(field, 'target is missing: the path inside the container');
  const targetText = readName(targetField, report);
  if (kind === null || targetText === null) return null;
  const target = cleanTarget(targetText);
  for (const section of TYPES) {
    const other = keys.get(section);
    if (other !== undefined && section !== kind) report(other, `"${section}" does not fit type: ${kind}`);
  }
  const flag = keys.get('read_only');
  const readOnly = flag === undefined ? false : (readFlag(flag, report) ?? false);
  const sourceField = keys.get('source');
  const source = sourceField === undefined ? null : readName(sourceField, report);
  switch (kind) {
    case 'bind': {
      if (sourceField === undefined) return report(field, 'source is missing: the path on the host');
      const path = source === null ? null : hostPath(source, paths, sourceField, report);
      return path === null
        ? null
        : { kind, source: path, target, readOnly, ...readBind(keys.get('bind'), report) };
    }
    case 'volume':
      return { kind, source, target, readOnly, ...readVolume(keys.get('volume'), report) };
    case 'tmpfs':
      if (sourceField !== undefined) report(sourceField, 'a tmpfs has no source');
      if (flag !== undefined && readOnly) report(flag, 'a tmpfs that is read-only holds nothing');
      return { kind, target, ...readTmpfsOptions(keys.get('tmpfs'), report) };
  }
}

/** Without the section a missing source is created, with it only where it says so (docker compose 2.40). */
function readBind(field: Field | undefined, report: Report) {
  const options = {
    createHostPath: true,
    propagation: null as string | null,
    selinux: null as string | null,
  };
  if (field === undefined) return options;
  const keys = readKeys(
    field,
    { known: KEYS_AT['services.*.volumes[].bind'], unsupported: { recursive: '' } },
    report,
  );
  const create = keys?.get('create_host_path');
  options.createHostPath = create === undefined ? false : (readFlag(create, report) ?? false);
  const propagation = keys?.get('propagation');
  if (propagation !== undefined) options.propagation = readWord(propagation, PROPAGATIONS, report);
  const selinux = keys?.get('selinux');
  if (selinux !== undefined) options.selinux = readWord(selinux, SELINUX, report);
  return options;
}

function readVolume(field: Field | undefined, report: Report) {
  if (field === undefined) return { noCopy: false, subpath: null };
  const keys = readKeys(
    field,
    { known: KEYS_AT['services.*.volumes[].volume'], unsupported: { labels: '' } },
    report,
  );
  const noCopy = keys?.get('nocopy');
  const subpath = keys?.get('subpath');
  return {
    noCopy: noCopy === undefined ? false : (readFlag(noCopy, report) ?? false),
    subpath: subpath === undefined ? null : readName(subpath, report),
  };
}

function readTmpfsOptions(field: Field | undefined, report: Report) {
  const options = { sizeBytes: null as number | null, mode: null as number | null };
  if (field === undefined) return options;
  const keys = readKeys(field, { known: KEYS_AT['services.*.volumes[].tmpfs'] }, report);
  const size = keys?.get('size');
  if (size !== undefined) options.sizeBytes = readBytes(size, report);
  const mode = keys?.get('mode');
  if (mode !== undefined) options.mode = readMode(mode, report);
  return options;
}

/** Permission bits: an octal number (`0755`, `0o755`), as YAML reads it; a decimal one (`493`) too. */
function readMode(field: Field, report: Report): number | null {
  const text = field.node.kind === 'scalar' ? field.node.text : '';
  const octal = /^0o?([0-7]+)$/.exec(text)?.[1];
  const mode = octal !== undefined ? Number.parseInt(octal, 8) : /^\d+$/.test(text) ? Number(text) : null;
  return mode !== null && mode <= 0o7777
    ? mode
    : report(field, `"${text}" are no permission bits; write them in octal, for example 0755`);
}

/** A size such as `64m` or `1.5gb`, in bytes. */
export function readBytes(field: Field, report: Report): number | null {
  const text = readLooseText(field, report);
  if (text === null) return null;
  return (
    parseBytes(text) ??
    report(field, `"${text}" is no size; a number with b, k, m or g is wanted, for example 1g`)
  );
}

/** `tmpfs:` of a service: a path, or a list of `PATH[:OPTIONS]`. */
export function readTmpfs(field: Field, report: Report): { target: string; options: string }[] {
  return readTexts(field, report, { single: true }).map((text) => {
    const colon = text.indexOf(':');
    return colon < 0
      ? { target: text, options: '' }
      : { target: text.slice(0, colon), options: text.slice(colon + 1) };
  });
}

function hostPath(source: string, paths: HostPaths, field: Field, report: Report): string | null {
  if (source === '~' || source.startsWith('~/')) {
    if (paths.home === null) return report(field, `no home directory is known here for "${source}"`);
    return posix.join(paths.home, source.slice(1));
  }
  if (source.startsWith('~')) return report(field, `homes of other users are not supported: "${source}"`);
  return posix.resolve(paths.directory, source);
}

function cleanTarget(target: string): string {
  const clean = posix.normalize(target);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
