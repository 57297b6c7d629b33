import type { HubModel } from './answers.ts';
import type { RequestKind } from './faults.ts';

/** What a request is about. */
export type RouteKind = RequestKind | 'unknown';

/** A request, understood. `model` is null for an id the hub does not have. */
export interface Route {
  kind: RouteKind;
  model: HubModel | null;
  revision: string;
  path: string;
}

/** Understands the address of a request to the hub's own name. */
export function parseRoute(url: URL, models: readonly HubModel[]): Route {
  const path = decodeURIComponent(url.pathname);
  const find = (id: string | undefined) => models.find((model) => model.id === id) ?? null;
  const of = (kind: RouteKind, id?: string, revision = 'main', file = ''): Route => ({
    kind,
    model: find(id),
    revision,
    path: file,
  });
  if (path === '/api/whoami-v2') return of('whoami');
  const id = '([^/]+/[^/]+)';
  let match = new RegExp(`^/api/resolve-cache/models/${id}/([^/]+)/(.+)$`).exec(path);
  if (match !== null) return of('content', match[1], match[2], match[3]);
  match = new RegExp(`^/api/models/${id}/auth-check$`).exec(path);
  if (match !== null) return of('auth-check', match[1]);
  match = new RegExp(`^/api/models/${id}/tree/([^/]+)$`).exec(path);
  if (match !== null) return of('tree', match[1], match[2]);
  match = new RegExp(`^/api/models/${id}(?:/revision/(.+))?$`).exec(path);
  if (match !== null) return of('info', match[1], match[2]);
  match = new RegExp(`^/${id}/resolve/([^/]+)/(.+)$`).exec(path);
  if (match !== null) return of('resolve', match[1], match[2], match[3]);
  return of('unknown');
}
