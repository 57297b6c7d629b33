import { posix } from 'node:path';
import { checkReferences } from './check-references.ts';
import {
  createReport,
  type Field,
  type Report,
  readEntries,
  readItems,
  readKeys,
  readName,
} from './field.ts';
import { FORBIDDEN_NAMES, interpolateTree } from './interpolate-tree.ts';
import { DEFAULT_NETWORK, readNetworks, readVolumes } from './networks.ts';
import { misnamedServices } from './roles.ts';
import { secretsAmong } from './secret-values.ts';
import { type ReadService, readService } from './service.ts';
import { KEYS_AT, TOP_LEVEL_KEYS, UNSUPPORTED_TOP_LEVEL_KEYS } from './service-keys.ts';
import type { ComposeError, ComposeProject, NetworkSpec } from './service-spec.ts';
import { type ParsedTree, parseYamlTree } from './yaml-tree.ts';

/** A compose file and what its reading needs from outside; all of it values, so that reading is pure. */
export interface ComposeInput {
  /** Absolute path of the file: relative paths in it start from its directory. */
  file: string;
  text: string;
  /** The tree of `text`, where it was parsed before. */
  parsed?: ParsedTree;
  /** Every name that expressions may use. */
  variables: Record<string, string>;
  /** Text of an env_file by absolute path; null where it cannot be read. */
  readFile(path: string): string | null;
  /** Home directory that `~` stands for; absent where there is none. */
  home?: string;
}

/** The desired state, or every error of the file in the order of its lines. */
export type ComposeResult = { project: ComposeProject } | { errors: ComposeError[] };

const EXTENSION = 'x-ai-sandbox';

/**
 * Reads a compose file: the subset of the compose specification that docs/compose.md lists. Whatever else stands in it
 * is an error with its place; nothing is left out in silence. Pure; never throws.
 */
export function readComposeProject(input: ComposeInput): ComposeResult {
  const errors: ComposeError[] = [];
  // An expression may put a secret where something else is wanted, and the message quotes what stands there.
  const reportAll = createReport(input.file, errors, secretsAmong(input.variables));
  const failed = new Set<string>();
  const report: Report = (field, message) => (failed.has(field.path) ? null : reportAll(field, message));
  const notices: string[] = [];
  const notice = (field: Pick<Field, 'at'>, message: string) => {
    const text = `line ${field.at.line}: ${message}`;
    if (!notices.includes(text)) notices.push(text);
  };
  const parsed = input.parsed ?? parseYamlTree(input.text, input.file);
  if (parsed.root === null) return { errors: parsed.errors };
  const start = { line: 1, column: 1 };
  if (parsed.root.kind === 'null')
    return { errors: [{ file: input.file, ...start, key: '', message: 'the file is empty' }] };

  const root = interpolateTree(parsed.root, {
    variables: input.variables,
    text: input.text,
    positionOf: parsed.positionOf,
    report: reportAll,
    notice,
    failed: (path) => failed.add(path),
  });
  const top = readKeys(
    { node: root, path: '', at: start },
    { known: [...TOP_LEVEL_KEYS, EXTENSION], unsupported: UNSUPPORTED_TOP_LEVEL_KEYS, extensions: true },
    report,
  );
  if (top === null) return { errors };
  const version = top.get('version');
  if (version !== undefined) notice(version, 'version has no meaning any more and is ignored');
  const extension = top.get(EXTENSION);
  if (extension !== undefined) readAllowedNames(extension, report);

  const directory = posix.dirname(input.file);
  const name = readProjectName(top.get('name'), directory, report);
  const environment = { directory, variables: input.variables, readFile: input.readFile, errors };
  const context = {
    project: name,
    paths: { directory, home: input.home ?? null },
    environment,
    report,
    notice,
  };
  const servicesField = top.get('services');
  if (servicesField === undefined || servicesField.node.kind === 'null')
    report(
      servicesField ?? { path: 'services', at: start },
      'services is missing: services stand indented under this key',
    );
  else if (servicesField.node.kind === 'map' && servicesField.node.entries.length === 0)
    report(servicesField, 'no service is named: each stands indented under this key');
  const services = (servicesField === undefined ? [] : (readEntries(servicesField, report) ?? [])).flatMap(
    ({ key, field }): ReadService[] => {
      const service = readService(key, field, context);
      return service === null ? [] : [service];
    },
  );
  const networksField = top.get('networks');
  const volumesField = top.get('volumes');
  const networks = networksField === undefined ? [] : readNetworks(networksField, name, report);
  const volumes = volumesField === undefined ? [] : readVolumes(volumesField, name, report);
  if (!networks.some((network) => network.key === DEFAULT_NETWORK)) networks.push(defaultNetwork(name));
  checkReferences(services, networks, volumes, report);
  if (errors.length > 0) return { errors: inOrder(errors) };

  const specs = services.map((service) => service.spec);
  const usedNetworks = new Set(
    specs.flatMap((spec) => spec.networks.map((attachment) => attachment.network)),
  );
  const usedVolumes = new Set(
    specs.flatMap((spec) => spec.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.source] : []))),
  );
  for (const { key, field } of servicesField === undefined ? [] : (readEntries(servicesField, report) ?? []))
    for (const { service, message } of misnamedServices(specs)) if (service === key) notice(field, message);
  for (const { key, field } of networksField === undefined ? [] : (readEntries(networksField, report) ?? []))
    if (!usedNetworks.has(key)) notice(field, `the network ${key} is used by no service and is not created`);
  for (const { key, field } of volumesField === undefined ? [] : (readEntries(volumesField, report) ?? []))
    if (!usedVolumes.has(key)) notice(field, `the volume ${key} is used by no service and is not created`);
  return {
    project: {
      name,
      file: input.file,
      services: specs,
      networks: networks.filter((network) => usedNetworks.has(network.key)),
      volumes: volumes.filter((volume) => usedVolumes.has(volume.key)),
      notices,
    },
  };
}

/** The names of the daemon's own environment that the file's author lets in: `x-ai-sandbox: {environment: [NAME…]}`. */
export function allowedEnvironmentNames({ root }: ParsedTree): string[] {
  const silent: Report = () => null;
  if (root === null || root.kind !== 'map') return [];
  const extension = root.entries.find((entry) => entry.key === EXTENSION);
  if (extension === undefined) return [];
  return readAllowedNames({ node: extension.value, path: EXTENSION, at: extension.keyAt }, silent);
}

function readAllowedNames(field: Field, report: Report): string[] {
  const names = readKeys(field, { known: KEYS_AT[EXTENSION] }, report)?.get('environment');
  if (names === undefined) return [];
  return (readItems(names, report) ?? []).flatMap((item) => {
    const name = readName(item, report);
    if (name === null) return [];
    if (FORBIDDEN_NAMES.includes(name)) {
      report(item, `${name} is never handed to a container; the daemon uses it for the hub alone`);
      return [];
    }
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      report(item, `"${name}" is no name of a variable`);
      return [];
    }
    return [name];
  });
}

const PROJECT_NAME = /^[a-z0-9][a-z0-9_-]*$/;

function readProjectName(field: Field | undefined, directory: string, report: Report): string {
  if (field === undefined) {
    const fromDirectory = posix
      .basename(directory)
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '')
      .replace(/^[_-]+/, '');
    if (fromDirectory === '') report({ path: 'name', at: { line: 1, column: 1 } }, 'name is missing');
    return fromDirectory;
  }
  const name = readName(field, report);
  if (name !== null && !PROJECT_NAME.test(name))
    report(field, `"${name}" is no project name: lower-case letters, digits, _ and -`);
  return name ?? '';
}

function defaultNetwork(project: string): NetworkSpec {
  return { key: DEFAULT_NETWORK, name: `${project}_${DEFAULT_NETWORK}`, external: false, driver: null };
}

/** In the order of the files and lines. */
function inOrder(errors: ComposeError[]): ComposeError[] {
  return errors.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
}
