import { isIP } from 'node:net';

/** What the cloud says of this machine; null and empty where it says nothing. */
export interface InstanceMetadata {
  /** Plan id, e.g. `g2-gpu-rtx4000a1-s`. */
  instanceType: string | null;
  region: string | null;
  /** The name a person gave the machine in the cloud's console. */
  label: string | null;
  /** Addresses at which other machines reach this one, without prefix lengths; IPv4 before IPv6. */
  publicAddresses: string[];
}

/** A label longer than this is none of ours to show; the cloud's own limit is 64. */
const MAXIMUM_TEXT_LENGTH = 128;

/**
 * Reads the two answers of the Linode metadata service (techdocs.akamai.com, "Metadata service API": `GET /v1/instance`,
 * `GET /v1/network`). Tolerant: what is missing or of another form is unknown, because its fields have changed before.
 */
export function parseMetadata(instance: unknown, network: unknown): InstanceMetadata {
  return {
    instanceType: text(at(instance, 'type')),
    region: text(at(instance, 'region')),
    label: text(at(instance, 'label')),
    publicAddresses: [
      ...addresses(at(at(network, 'ipv4'), 'public'), 4),
      ...addresses(at(at(network, 'ipv6'), 'slaac'), 6),
    ],
  };
}

/** The service's token from the body of `PUT /v1/token`: `["TOKEN"]`, or the bare text; null for anything else. */
export function parseToken(body: string): string | null {
  const parsed = parseJson(body);
  const token: unknown = Array.isArray(parsed) ? parsed[0] : body.trim();
  // What may stand in a header; a page of another service that answers here may not.
  return typeof token === 'string' && /^[\x21-\x7e]{8,1024}$/.test(token) && !token.startsWith('<')
    ? token
    : null;
}

/** JSON, or null where the text is none. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Addresses of one family, `/NN` cut off. The service gives a list, or one text. */
function addresses(value: unknown, family: 4 | 6): string[] {
  const found: unknown[] = Array.isArray(value) ? value : [value];
  return found
    .map((entry) => (typeof entry === 'string' ? entry.trim().replace(/\/\d{1,3}$/, '') : ''))
    .filter((address) => isIP(address) === family);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= MAXIMUM_TEXT_LENGTH ? value : null;
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
