import { isLoopbackHost } from '../lib/loopback.ts';

/**
 * Says why a redirect of the hub must not be followed, or null. A hub on the internet may send to any https host (its
 * CDN); only a hub on loopback may send to plain http, and there to loopback names only.
 */
export function redirectFault(hub: URL, target: URL): string | null {
  if (target.username !== '' || target.password !== '') return 'it holds a user or password';
  if (target.protocol === 'https:') return null;
  if (target.protocol !== 'http:') return `it leads to ${target.protocol}`;
  if (!isLoopbackHost(hub.hostname)) return 'it leads from https to plain http';
  return isLoopbackHost(target.hostname) ? null : 'it leads to plain http outside this machine';
}
