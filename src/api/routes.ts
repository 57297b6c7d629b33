import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Readiness } from '../status/readiness.ts';
import { renderStatusText } from '../status/render-text.ts';
import type { Status } from '../status/schema.ts';
import { prefersText } from './accept.ts';
import { type Control, parseLogQuery } from './control.ts';
import type { JobAction, Jobs } from './jobs.ts';
import type { LogStreams } from './log-stream.ts';
import { HttpError, sendProblem } from './problem-json.ts';

/** What the read-only routes show. */
export interface ReadParts {
  /** The published snapshot. */
  current(): Status;
  ready(): Readiness;
  /** Whether the daemon's own main loop moves. */
  livez(): { ok: boolean; detail: string };
}

/** What the routes of the control socket act on. */
export interface ControlParts {
  control: Control;
  jobs: Jobs;
  logStreams: LogStreams;
}

/** GET /status, /livez and /readyz: on TCP and on the socket. */
export function addReadRoutes(app: FastifyInstance, { current, ready, livez }: ReadParts): void {
  app.get('/status', (request, reply) =>
    prefersText(request.headers.accept)
      ? sendText(reply, renderStatusText(current()))
      : sendJson(reply, current()),
  );
  app.get('/livez', (request, reply) => {
    const { ok, detail } = livez();
    if (!ok) return sendProblem(reply, { status: 503, detail });
    return prefersText(request.headers.accept)
      ? sendText(reply, `${detail}\n`)
      : sendJson(reply, { ok, detail });
  });
  app.get('/readyz', (request, reply) => {
    const answer = ready();
    if (!answer.ready) {
      return sendProblem(reply, {
        status: 503,
        detail: `Not ready: ${answer.reasons.join('; ')}.`,
        extra: { ready: false, reasons: answer.reasons },
      });
    }
    return prefersText(request.headers.accept) ? sendText(reply, 'ready\n') : sendJson(reply, answer);
  });
}

/** Everything that changes something or may show private text: on the socket only. */
export function addControlRoutes(app: FastifyInstance, { control, jobs, logStreams }: ControlParts): void {
  const known = (name: string): string => {
    const names = control.serviceNames();
    if (names.includes(name)) return name;
    throw new HttpError({
      status: 404,
      detail: `There is no service "${name}" in the compose file; it has: ${names.join(', ') || 'none'}.`,
      extra: { services: names },
    });
  };
  const accept = (reply: FastifyReply, action: JobAction, target: string, work: () => Promise<void>) => {
    const job = jobs.run(action, target, work);
    return sendJson(reply.code(202).header('location', `/jobs/${job.id}`), job);
  };

  for (const action of ['start', 'stop', 'restart'] as const) {
    app.post<{ Params: { name: string } }>(`/services/:name/${action}`, (request, reply) => {
      const name = known(request.params.name);
      return accept(reply, action, name, () => control[action](name));
    });
  }
  app.post('/model/retry', (_request, reply) => accept(reply, 'retry', 'model', () => control.retryModel()));
  app.post('/reload', (_request, reply) => accept(reply, 'reload', 'daemon', () => control.reload()));
  app.get<{ Params: { id: string } }>('/jobs/:id', (request, reply) => {
    const job = jobs.get(request.params.id);
    if (job !== null) return sendJson(reply, job);
    throw new HttpError({
      status: 404,
      detail:
        'This job is not known: jobs are forgotten when the daemon restarts, and after a hundred others.',
    });
  });
  app.get<{ Params: { name: string }; Querystring: Record<string, unknown> }>(
    '/services/:name/logs',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const name = known(request.params.name);
      const query = parseLogQuery(request.query);
      if (typeof query === 'string') throw new HttpError({ status: 400, detail: query });
      await logStreams.send(reply, name, query);
    },
  );
}

/** Every path of both listeners, for the answer to a wrong method or place. */
const PATHS: readonly { pattern: RegExp; method: 'GET' | 'POST'; controlOnly: boolean }[] = [
  { pattern: /^\/(status|livez|readyz)$/, method: 'GET', controlOnly: false },
  { pattern: /^\/services\/[^/]+\/(start|stop|restart)$/, method: 'POST', controlOnly: true },
  { pattern: /^\/(model\/retry|reload)$/, method: 'POST', controlOnly: true },
  { pattern: /^\/services\/[^/]+\/logs$/, method: 'GET', controlOnly: true },
  { pattern: /^\/jobs\/[^/]+$/, method: 'GET', controlOnly: true },
];

/** Answers what no route answers: 405 for a known path, 404 with the way to the socket or the list of paths. */
export function addNotFound(app: FastifyInstance, isControl: boolean, socketPath: string): void {
  app.setNotFoundHandler((request: FastifyRequest, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const row = PATHS.find(({ pattern }) => pattern.test(path));
    if (row?.controlOnly === true && !isControl) {
      return sendProblem(reply, {
        status: 404,
        detail: `This port is read only; changes and logs are on the control socket: use the command ai-sandbox, or curl --unix-socket ${socketPath} http://localhost${path}`,
      });
    }
    if (row !== undefined) {
      return sendProblem(reply, {
        status: 405,
        detail: `${path} answers ${row.method} only, not ${request.method}.`,
        headers: { allow: row.method === 'GET' ? 'GET, HEAD' : row.method },
      });
    }
    return sendProblem(reply, {
      status: 404,
      detail: isControl
        ? 'There is nothing here; the paths of this socket are in docs/cli.md.'
        : 'There is nothing here; this port answers GET /status, /livez and /readyz.',
    });
  });
}

function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(`${JSON.stringify(body, null, 2)}\n`);
}

function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('text/plain; charset=utf-8').send(text);
}
