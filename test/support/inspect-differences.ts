/** One field in which two answers of `docker inspect` differ; undefined where a side has it not. */
export interface Difference {
  /** Path of the field, e.g. `HostConfig.RestartPolicy.Name` or `Config.Labels["a.b"]`. */
  field: string;
  ours: unknown;
  theirs: unknown;
}

/** What is different in every container, even of two made by the same program. */
const OWN_TO_EACH = new Set([
  'Id',
  'Created',
  'CreatedAt',
  'GraphDriver',
  'LogPath',
  'ResolvConfPath',
  'HostnamePath',
  'HostsPath',
]);

/** Lists whose order means nothing; docker compose sends several of them in an order of chance. */
const SETS = /(^|\.)(Binds|Mounts|Env|ExtraHosts|Ulimits|CapAdd|CapDrop|SecurityOpt|Aliases)$/;

/** A list in one label, in an order of chance too. */
const DEPENDENCIES = '["com.docker.compose.depends_on"]';

/**
 * The fields in which two inspected objects differ. Empty values count as unset: the engine shows a missing list as null, [] or
 * {} by the way it was left out. `names` are ids that stand for something that has a name on both sides.
 */
export function differences(
  ours: unknown,
  theirs: unknown,
  names: ReadonlyMap<string, string>,
): Difference[] {
  const left = flatten(replaceIds(ours, names));
  const right = flatten(replaceIds(theirs, names));
  const fields = [...new Set([...left.keys(), ...right.keys()])].sort();
  return fields.flatMap((field) => {
    const [a, b] = [left.get(field), right.get(field)];
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ field, ours: a, theirs: b }];
  });
}

/** Ids become the names they stand for; names of anonymous volumes, which are random, become one word. */
function replaceIds(value: unknown, names: ReadonlyMap<string, string>): unknown {
  let text = JSON.stringify(value);
  for (const [id, name] of names) {
    text = text.replaceAll(id, name).replaceAll(`"${id.slice(0, 12)}"`, `"${name}"`);
  }
  return JSON.parse(
    text
      .replaceAll(/"Name":"[0-9a-f]{64}"/g, '"Name":"<anonymous>"')
      .replaceAll(/\/volumes\/[0-9a-f]{64}\//g, '/volumes/<anonymous>/'),
  );
}

function flatten(value: unknown, path = '', found = new Map<string, unknown>()): Map<string, unknown> {
  if (Array.isArray(value) && value.length > 0) {
    if (SETS.test(path)) {
      found.set(path, value.map((item) => JSON.stringify(withoutEmpty(item))).sort());
    } else for (const [index, item] of value.entries()) flatten(item, `${path}[${index}]`, found);
  } else if (isRecord(value)) {
    for (const [key, inner] of Object.entries(value)) {
      if (path === '' && OWN_TO_EACH.has(key)) continue;
      const step = /^\w+$/.test(key) ? `${path === '' ? '' : '.'}${key}` : `["${key}"]`;
      // an exposed port and a joined network are there although nothing stands in them
      if (isRecord(inner) && Object.keys(inner).length === 0 && /ExposedPorts$/.test(path))
        found.set(path + step, {});
      else flatten(inner, path + step, found);
    }
  } else if (!isEmpty(value)) {
    found.set(path, path.endsWith(DEPENDENCIES) ? String(value).split(',').sort() : value);
  }
  return found;
}

/** An item of a set in one form: keys sorted, empty values left out. */
function withoutEmpty(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [key, withoutEmpty(inner)]);
  const set = entries.filter(([, inner]) => !isEmpty(inner));
  return Object.fromEntries(set.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === '' || (isRecord(value) && Object.keys(value).length === 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
