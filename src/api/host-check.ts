import { isLoopbackHost } from '../lib/loopback.ts';

/**
 * Whether a `Host` header names this machine's own listener. A page in a browser can make its own name point to
 * 127.0.0.1 (DNS rebinding) and read what a loopback server answers; such a request carries the page's name here.
 * Allowed are `localhost`, loopback addresses and the host that was asked to listen on, with any port (an SSH
 * forward changes it). Missing is allowed: no browser leaves it out.
 */
export function isAllowedHost(header: string | undefined, listenHost: string): boolean {
  if (header === undefined) return true;
  const name = hostName(header);
  if (name === null) return false;
  return isLoopbackHost(name) || name === bare(listenHost);
}

/** The name or address of `host[:port]`, lower case, without brackets and final dot; null when it is neither. */
function hostName(header: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::\d{1,5})?$/i.exec(header.trim());
  return match?.[1] === undefined ? null : bare(match[1]);
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}
