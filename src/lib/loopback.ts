import { isIP } from 'node:net';

/**
 * True for names and addresses that only this machine answers to: `localhost`, its subdomains (RFC 6761), 127.0.0.0/8 and
 * ::1, in any case, with or without brackets or a final dot.
 */
export function isLoopbackHost(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  return (
    name === 'localhost' ||
    name === 'ip6-localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}
