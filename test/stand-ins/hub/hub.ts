import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type HubModel, json, refuse, tree } from './answers.ts';
import { sendContent } from './content.ts';
import { createFaultPlan, type FaultAction, type FaultPlan } from './faults.ts';
import type { StoredFile } from './repository.ts';
import { parseRoute, type Route, type RouteKind } from './route.ts';

/** How the stand-in is started. */
export interface HubOptions {
  models: HubModel[];
  /** 0, the default, takes any free one. */
  port?: number;
  /** Tokens it knows, with the ids of the gated and private models they may read. Absent: every token is accepted. */
  tokens?: Record<string, string[]>;
  /** Bytes a second for each connection that sends a file. */
  throttle?: number;
  /** Entries on one page of a file list; the public hub has 1,000. */
  pageSize?: number;
  /** Address of another server that sends the large files, by their sha256. Absent: the hub itself, under another name. */
  cdn?: string;
  /** How long a signed address is valid; the public hub has about one hour. */
  signedUrlSeconds?: number;
}

/** One request that came. */
interface SeenRequest {
  kind: RouteKind;
  method: string;
  /** Host name of the request, without the port: the hub's own or the one of its CDN. */
  host: string;
  url: string;
  authorization: string | null;
  range: string | null;
}

/** A hub that answers on loopback. */
export interface RunningHub {
  /** Its address, on 127.0.0.1; large files are sent from the same port under the name localhost. */
  url: string;
  requests: SeenRequest[];
  faults: FaultPlan;
  /** Bytes of files sent so far. */
  bytesSent(): number;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

const HUB_HOST = '127.0.0.1';
/** The Python client takes the same host name, on whatever port, for the hub itself; so the CDN has another one. */
const CDN_HOST = 'localhost';
const DEFAULT_PAGE_SIZE = 1000;
const DEFAULT_SIGNED_URL_SECONDS = 3600;

/** Starts a hub that behaves like the public one towards readers: API, gates, redirects, signed addresses, ranges. */
export async function startHub(options: HubOptions): Promise<RunningHub> {
  const faults = createFaultPlan();
  const requests: SeenRequest[] = [];
  const signingKey = randomBytes(16);
  let bytesSent = 0;

  const sign = (path: string, expires: string) =>
    createHmac('sha256', signingKey).update(`${path}\n${expires}`).digest('hex');

  const note = (kind: RouteKind, request: IncomingMessage) => {
    requests.push({
      kind,
      method: request.method ?? '',
      host: (request.headers.host ?? '').replace(/:\d+$/, ''),
      url: request.url ?? '',
      authorization: request.headers.authorization ?? null,
      range: request.headers.range ?? null,
    });
  };

  const content = (
    request: IncomingMessage,
    response: ServerResponse,
    file: StoredFile,
    headers: Record<string, string>,
  ) =>
    sendContent(request, response, file, headers, {
      fault: request.method === 'HEAD' ? null : faults.take('content', file.path),
      throttle: options.throttle ?? null,
      onBytes: (bytes) => {
        bytesSent += bytes;
      },
    });

  const cdn = async (request: IncomingMessage, response: ServerResponse, url: URL) => {
    note('content', request);
    const expires = url.searchParams.get('Expires') ?? '';
    const signed = url.searchParams.get('Signature') === sign(url.pathname, expires);
    const file = options.models
      .flatMap((model) => model.files)
      .find((one) => `/repos/${one.sha256}` === url.pathname);
    if (!signed || file === undefined || Number(expires) * 1000 < Date.now()) {
      response.writeHead(403, { 'content-type': 'application/xml' }).end('<Error>AccessDenied</Error>');
      return;
    }
    await content(request, response, file, { etag: `"${file.sha256}"` });
  };

  const resolve = async (
    response: ServerResponse,
    model: HubModel,
    revision: string,
    path: string,
    origin: string,
  ): Promise<void> => {
    const file = model.files.find((one) => one.path === path);
    if (revision !== 'main' && revision !== model.commit) return refuse(response, 404, 'RevisionNotFound');
    if (file === undefined) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    const headers: Record<string, string> = { 'x-repo-commit': model.commit, 'accept-ranges': 'bytes' };
    if (file.sha256 === null) {
      headers['etag'] = `"${file.oid}"`;
      headers['location'] =
        `/api/resolve-cache/models/${model.id}/${model.commit}/${encodeURIComponent(path)}`;
      response.writeHead(307, headers).end();
      return;
    }
    const pathname = `/repos/${file.sha256}`;
    const seconds = options.signedUrlSeconds ?? DEFAULT_SIGNED_URL_SECONDS;
    const expires = String(Math.floor(Date.now() / 1000) + seconds);
    headers['x-linked-size'] = String(file.size);
    headers['x-linked-etag'] = `"${file.sha256}"`;
    headers['etag'] = `"${file.oid}"`;
    headers['location'] =
      `${options.cdn ?? origin}${pathname}?Expires=${expires}&Signature=${sign(pathname, expires)}`;
    response.writeHead(302, headers).end();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? HUB_HOST}`);
    if (url.hostname === CDN_HOST) return cdn(request, response, url);
    const route = parseRoute(url, options.models);
    note(route.kind, request);
    const planned = plannedAnswer(faults, route);
    if (planned !== null) {
      if (planned.kind === 'answer')
        response.writeHead(planned.status, planned.headers ?? {}).end(planned.body ?? '');
      else if (planned.kind === 'reset') request.socket.resetAndDestroy();
      return;
    }
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? null;
    const known = token === null || options.tokens === undefined || token in options.tokens;
    if (!known) return refuse(response, 401, null, 'Invalid credentials in Authorization header');
    if (route.kind === 'whoami') {
      if (token === null) return refuse(response, 401, null, 'Invalid username or password.');
      return json(response, { type: 'user', name: 'stand-in', auth: { type: 'access_token' } });
    }
    const { model } = route;
    const mayRead = model !== null && readable(options, model, token);
    if (model === null || (model.private === true && !mayRead)) {
      return refuse(response, token === null ? 401 : 404, 'RepoNotFound', 'Repository not found');
    }
    if (model.disabled === true && route.kind !== 'info' && route.kind !== 'tree') {
      return refuse(response, 403, null, 'Access to this resource is disabled.');
    }
    const closed = model.gated !== undefined && !mayRead;
    const gate = () =>
      refuse(
        response,
        token === null ? 401 : 403,
        'GatedRepo',
        `Access to model ${model.id} is restricted. You must have access to it and be authenticated to access it.`,
      );
    switch (route.kind) {
      case 'auth-check':
        return closed ? gate() : json(response, {});
      case 'info':
        if (!hasRevision(model, route.revision)) return refuse(response, 404, 'RevisionNotFound');
        return json(response, describe(model, url));
      case 'tree':
        if (!hasRevision(model, route.revision)) return refuse(response, 404, 'RevisionNotFound');
        return tree(response, model, url, options.pageSize ?? DEFAULT_PAGE_SIZE);
      case 'resolve':
        if (closed) return gate();
        return resolve(response, model, route.revision, route.path, `http://${CDN_HOST}:${url.port}`);
      case 'content': {
        const file = model.files.find((one) => one.path === route.path);
        if (closed) return gate();
        if (file === undefined) return refuse(response, 404, 'EntryNotFound');
        return content(request, response, file, { etag: `"${file.oid}"`, 'x-repo-commit': model.commit });
      }
      default:
        return refuse(response, 404, null, 'Sorry, we can not find the page you are looking for.');
    }
  };

  const server = createServer((request, response) => {
    response.setHeader('x-request-id', `Root=${requests.length}`);
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(options.port ?? 0, HUB_HOST, listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HUB_HOST}:${port}`,
    requests,
    faults,
    bytesSent: () => bytesSent,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function plannedAnswer(faults: FaultPlan, route: Route): FaultAction | null {
  return route.kind === 'unknown' || route.kind === 'content' ? null : faults.take(route.kind, route.path);
}

function readable(options: HubOptions, model: HubModel, token: string | null): boolean {
  if (model.gated === undefined && model.private !== true) return true;
  return token !== null && (options.tokens?.[token]?.includes(model.id) ?? false);
}

function hasRevision(model: HubModel, revision: string): boolean {
  return revision === 'main' || revision === 'HEAD' || revision === model.commit;
}
