import { posix } from 'node:path';
import { parseEnvironmentFile } from './environment-file.ts';
import { type Field, type Report, readFlag, readItems, readKeys, readName } from './field.ts';
import { lookupIn } from './interpolate.ts';
import { readNamedValues } from './lists-and-maps.ts';
import { KEYS_AT } from './service-keys.ts';
import type { ComposeError } from './service-spec.ts';

/** What `env_file` and `environment` need from outside. */
export interface EnvironmentSources {
  /** Directory that relative paths start from. */
  directory: string;
  /** Values for names that the file gives without one, and for expressions in an env_file. */
  variables: Record<string, string>;
  /** Text of an env_file; null where it cannot be read. */
  readFile(path: string): string | null;
  /** Errors inside of an env_file, which has places of its own. */
  errors: ComposeError[];
}

/** An env_file of a service: its absolute path, and whether it must be there. */
interface EnvironmentFileReference {
  path: string;
  required: boolean;
  field: Field;
}

/** `env_file:`: a path, or a list of paths and of `{path, required}`. */
function readEnvironmentFiles(field: Field, directory: string, report: Report): EnvironmentFileReference[] {
  const items = field.node.kind === 'list' ? (readItems(field, report) ?? []) : [field];
  return items.flatMap((item): EnvironmentFileReference[] => {
    if (item.node.kind === 'null') return [];
    if (item.node.kind !== 'map') {
      const path = readName(item, report);
      return path === null ? [] : [{ path: posix.resolve(directory, path), required: true, field: item }];
    }
    const keys = readKeys(
      item,
      { known: KEYS_AT['services.*.env_file[]'], unsupported: { format: '' } },
      report,
    );
    const pathField = keys?.get('path');
    const requiredField = keys?.get('required');
    if (keys !== null && pathField === undefined) report(item, 'path is missing');
    const path = pathField === undefined ? null : readName(pathField, report);
    const required = requiredField === undefined ? true : (readFlag(requiredField, report) ?? true);
    return path === null ? [] : [{ path: posix.resolve(directory, path), required, field: item }];
  });
}

/** Values by name, and the names that are given without one and set nowhere. */
export interface ReadEnvironment {
  environment: Record<string, string>;
  unset: string[];
}

/** The environment of a service: its env_files in their order, then `environment` over them. */
export function readEnvironment(
  keys: ReadonlyMap<string, Field>,
  sources: EnvironmentSources,
  report: Report,
): ReadEnvironment {
  const environment: Record<string, string> = {};
  const unset: string[] = [];
  const filesField = keys.get('env_file');
  const files = filesField === undefined ? [] : readEnvironmentFiles(filesField, sources.directory, report);
  for (const file of files) {
    const text = sources.readFile(file.path);
    if (text === null) {
      if (file.required)
        report(file.field, `the file ${file.path} cannot be read; create it, or write required: false`);
      continue;
    }
    const parsed = parseEnvironmentFile(text, file.path, sources.variables);
    sources.errors.push(...parsed.errors);
    merge(environment, parsed.values);
  }
  const field = keys.get('environment');
  if (field === undefined) return { environment, unset };
  const outside = lookupIn(sources.variables);
  for (const [name, value] of Object.entries(readNamedValues(field, report))) {
    const resolved = value ?? outside(name);
    if (resolved === undefined) {
      delete environment[name];
      unset.push(name);
    } else merge(environment, { [name]: resolved });
  }
  return { environment, unset };
}

function merge(target: Record<string, string>, values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
}
