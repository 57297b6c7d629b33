import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createHub } from '../../src/model/hub.ts';

const TLS = join(import.meta.dirname, '../fixtures/tls');
const identifier = { id: 'acme/tiny', organisation: 'acme', name: 'tiny' };

let server: Server;
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ca-'));
  const [key, cert] = await Promise.all([
    readFile(join(TLS, 'key.pem')),
    readFile(join(TLS, 'certificate.pem')),
  ]);
  server = createServer({ key, cert }, (_request, response) => {
    response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end('{}');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(async () => {
  await new Promise((closed) => {
    server.close(closed);
    server.closeAllConnections();
  });
  await rm(directory, { recursive: true });
});

/** What becomes of a question to the server; a 404 proves that TLS was in order. */
async function ask(caFile: string | null): Promise<{ code?: string; detail?: string; remedy?: string }> {
  const { port } = server.address() as AddressInfo;
  const hub = createHub({
    endpoint: `https://127.0.0.1:${port}`,
    token: () => null,
    clock: systemClock,
    caFile,
  });
  try {
    await hub.resolve(identifier, 'main', new AbortController().signal);
    return {};
  } catch (error) {
    return (error as { finding: object }).finding;
  } finally {
    await hub.close();
  }
}

describe('the certificate of a hub', () => {
  it('is not accepted when nobody known vouches for it, and the remedy says how to change that', async () => {
    expect(await ask(null)).toMatchObject({
      code: 'hub_unreachable',
      detail: expect.stringContaining('no known authority'),
      remedy: expect.stringContaining('SSL_CERT_FILE'),
    });
  });

  it('is accepted when the file of authorities vouches for it', async () => {
    expect(await ask(join(TLS, 'certificate.pem'))).toMatchObject({ code: 'model_not_found' });
  });

  it('names a file of authorities that is not there, or is none', async () => {
    expect((await ask(join(directory, 'missing.pem'))).detail).toContain('missing.pem');
    await writeFile(join(directory, 'odd.pem'), 'hello');
    expect((await ask(join(directory, 'odd.pem'))).detail).toContain('no certificate in PEM form');
  });
});
