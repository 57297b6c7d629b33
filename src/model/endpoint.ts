/** The public hub. */
export const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** True for `localhost`, its subdomains, 127.0.0.0/8 and ::1, as they stand in a URL's hostname. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(name)
  );
}

/**
 * Says why an address must not be used as hub, or null: https anywhere, plain http on loopback only, no user or
 * password, no query.
 */
export function endpointFault(text: string): string | null {
  if (!URL.canParse(text)) return 'it is not a URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'it must not hold a user or password';
  if (url.search !== '' || url.hash !== '') return 'it must not have a query or fragment';
  if (url.protocol === 'https:') return null;
  if (url.protocol !== 'http:') return 'it must be https';
  return isLoopbackHost(url.hostname) ? null : 'plain http is allowed on loopback addresses only';
}

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
