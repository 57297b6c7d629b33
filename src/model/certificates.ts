import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { errorMessage } from '../lib/errors.ts';
import { ModelError } from './types.ts';

/** Where Debian and its relatives, and Red Hat and its own, keep what the administrator trusts. */
const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/** What a certificate's first line looks like in a PEM file. */
const PEM_BEGIN = '-----BEGIN';

/**
 * Authorities that may vouch for a hub and its mirrors: Node's own, the system's, and those of a file that is named. A
 * proxy that opens TLS is trusted by putting its authority into one of the latter two. Throws a transient
 * `hub_unreachable` for a named file that holds none.
 */
export async function trustedCertificates(
  caFile: string | null,
  systemBundles: readonly string[] = SYSTEM_BUNDLES,
): Promise<string[]> {
  const system = await Promise.all(systemBundles.map((path) => readFile(path, 'utf8').catch(() => '')));
  const named = caFile === null ? '' : await readNamed(caFile);
  return [...getCACertificates('default'), ...system, named].filter((text) => text.includes(PEM_BEGIN));
}

async function readNamed(path: string): Promise<string> {
  const fault = (why: string) =>
    new ModelError({
      code: 'hub_unreachable',
      detail: `the file of certificate authorities ${path} (SSL_CERT_FILE) cannot be used: ${why}`,
      remedy: 'Correct SSL_CERT_FILE in the settings of the daemon, or take it out; it goes on by itself.',
    });
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fault(errorMessage(error));
  });
  if (!text.includes(PEM_BEGIN)) throw fault('it holds no certificate in PEM form');
  return text;
}
