/** An image name in its parts. */
export interface ImageReference {
  /** Host of the registry with port, as in the name; `docker.io` when the name has none. */
  registry: string;
  /** Full path in the registry (`library/busybox`). */
  repository: string;
  /** Null when only a digest is given; `latest` when neither is. */
  tag: string | null;
  /** `sha256:…`, or null. */
  digest: string | null;
  /** Name without tag and digest, as the pull wants it. */
  name: string;
}

const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_TAG = 'latest';
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}$/i;
const HOST = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?$/;

/**
 * Takes an image name apart by the rules of the Docker command line (distribution/reference): the part before the first
 * slash is a host if it has a dot or colon or is `localhost`; names without a host belong to Docker Hub. Null for a name
 * that the engine would refuse.
 */
export function parseImageReference(text: string): ImageReference | null {
  const [beforeDigest = '', digest = null, ...rest] = text.split('@');
  if (rest.length > 0 || (digest !== null && !DIGEST.test(digest))) return null;
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = hasTag ? beforeDigest.slice(colon + 1) : null;
  if (tag !== null && !TAG.test(tag)) return null;

  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = hasHost ? normaliseRegistry(first) : DEFAULT_REGISTRY;
  const path = hasHost ? name.slice(slash + 1) : name;
  if (hasHost && !HOST.test(first)) return null;
  if (!path.split('/').every((component) => COMPONENT.test(component))) return null;
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  return { registry, repository, tag: tag ?? (digest === null ? DEFAULT_TAG : null), digest, name };
}

/** The name under which the engine keeps the image: by digest where one is given, else with its tag. */
export function localName(reference: ImageReference): string {
  return reference.digest === null
    ? `${reference.name}:${reference.tag ?? DEFAULT_TAG}`
    : `${reference.name}@${reference.digest}`;
}

/** One name for a registry in all its spellings: no scheme, no path; the addresses of Docker Hub are `docker.io`. */
export function normaliseRegistry(text: string): string {
  const host = text
    .replace(/^https?:\/\//i, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? DEFAULT_REGISTRY : host;
}
