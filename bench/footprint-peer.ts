/**
 * The peer of bench/footprint.ts: the same dependencies, all used once so that the bundler keeps them, and one route.
 * What a daemon on these libraries costs at least.
 */
import Docker from 'dockerode';
import fastify from 'fastify';
import { schedule } from 'node-cron';
import pRetry from 'p-retry';
import pino from 'pino';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { Agent } from 'undici';
import { parseDocument } from 'yaml';

const port = Number(process.argv[2]);
const log = pino({ base: null, timestamp: false });
const docker = new Docker({ socketPath: process.argv[3] ?? '/var/run/docker.sock' });
const agent = new Agent({ allowH2: false });
schedule('30 3 * * *', () => undefined, { noOverlap: true });
parseDocument('services: {api: {image: x}}').toJS();
Value.Check(Type.Object({ a: Type.String() }), { a: 'x' });
pRetry(async () => docker.ping(), { retries: 1 }).catch(() => undefined);

const app = fastify();
app.get('/livez', async () => 'ok');
await app.listen({ host: '127.0.0.1', port });
log.info({ agent: agent.constructor.name }, 'listening');
// An orderly end writes the compile cache.
process.once('SIGTERM', () => process.exit(0));
