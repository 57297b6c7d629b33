import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { DeploymentView, Status } from '../status/schema.ts';
import type { InstanceMetadata } from './metadata.ts';

/** What a machine knows of itself. */
export type HostIdentity = Pick<DeploymentView, 'instance_type' | 'region' | 'label'>;

/** Who this machine is: what the cloud says of it, else its own name. */
export function identityFrom(metadata: InstanceMetadata | null, hostname: string): HostIdentity {
  return {
    instance_type: metadata?.instanceType ?? null,
    region: metadata?.region ?? null,
    label: metadata?.label ?? (hostname === '' ? null : hostname),
  };
}

/** Addresses at which the services of one file are published, as the engine reports them. */
type Published = Readonly<Record<string, readonly { hostIp: string; hostPort: number; target: string }[]>>;

/** Networks between containers and virtual machines: their addresses are reachable from nowhere else. */
const VIRTUAL_INTERFACE = /^(?:docker|br-|veth|virbr|lxc|cni|flannel|podman)/;

/** 10/8, 172.16/12, 192.168/16, 100.64/10 and IPv6 unique local addresses (RFC 1918, 6598, 4193). */
const PRIVATE_ADDRESS =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd])/i;

/** What stands for all addresses of a machine. */
const EVERYWHERE: readonly string[] = ['', '0.0.0.0', '::'];

/** Addresses of one link only (RFC 3927, 4291). */
const LINK_LOCAL = /^(?:169\.254\.|fe[89ab])/i;

/** Where the addresses of a machine come from. */
export interface AddressSources {
  /** By the cloud's word, the first one wins: behind a translation of addresses no interface has them. */
  publicAddresses?: readonly string[];
  /** Those of the machine unless a test gives others. */
  interfaces?: ReturnType<typeof networkInterfaces>;
}

/**
 * Where a person reaches chat and API: for a port published on all addresses the public address of this machine by the
 * cloud's word, else the first public one of its interfaces (a private one if it has no other); for one on loopback
 * `localhost`. Null while nothing is published.
 */
export function linksFor(published: Published, sources: AddressSources = {}): Status['links'] {
  const link = (service: string) => {
    const port = published[service]?.find(({ target }) => target.endsWith('/tcp') || !target.includes('/'));
    return port === undefined ? null : `http://${hostFor(port.hostIp, sources)}:${port.hostPort}`;
  };
  return { ui: link('ui'), api: link('api') };
}

function hostFor(address: string, sources: AddressSources): string {
  if (address.startsWith('127.') || address === '::1' || address === 'localhost') return 'localhost';
  const host = EVERYWHERE.includes(address) ? reachableAddress(address, sources) : address;
  return host.includes(':') ? `[${host}]` : host;
}

/** Where other machines reach this one, by the cloud's word, else by its interfaces; null without a network. */
export function machineAddress({ publicAddresses = [], interfaces }: AddressSources): string | null {
  return publicAddresses[0] ?? globalAddress(interfaces ?? networkInterfaces());
}

/** A port on 0.0.0.0 is not reached at an IPv6 address; one on :: usually is at both. */
function reachableAddress(address: string, { publicAddresses = [], interfaces }: AddressSources): string {
  const fitting = publicAddresses.filter((each) => address !== '0.0.0.0' || !each.includes(':'));
  return machineAddress({ publicAddresses: fitting, ...(interfaces && { interfaces }) }) ?? 'localhost';
}

/** The first public IPv4 address, else a public IPv6 one, else a private IPv4 one; null without any. */
function globalAddress(interfaces: ReturnType<typeof networkInterfaces>): string | null {
  const all = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL_INTERFACE.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !LINK_LOCAL.test(address));
  const rank = ({ family, address }: NetworkInterfaceInfo) =>
    (PRIVATE_ADDRESS.test(address) ? 2 : 0) + (family === 'IPv4' ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b))[0]?.address ?? null;
}
