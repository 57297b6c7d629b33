import type { ServerResponse } from 'node:http';
import { pointer, type Repository, type StoredFile } from './repository.ts';

/** A repository with the rules of its owner. */
export interface HubModel extends Repository {
  /** Its files are given only to tokens that accepted its terms. */
  gated?: 'auto' | 'manual';
  /** It is known only to tokens that accepted its terms. */
  private?: boolean;
  /** Closed by the hub: nobody gets its files. */
  disabled?: boolean;
  /** Beside the usual tags, for example `base_model:org/name`. */
  tags?: string[];
  /** Numbers by type in its safetensors files, as the hub counts them. */
  parameters?: Record<string, number>;
}

/** What `/api/models/{id}` says. */
export function describe(model: HubModel, url: URL) {
  const blobs = url.searchParams.get('blobs')?.toLowerCase() === 'true';
  return {
    _id: model.commit.slice(0, 24),
    id: model.id,
    modelId: model.id,
    author: model.id.split('/')[0],
    sha: model.commit,
    private: model.private ?? false,
    disabled: model.disabled ?? false,
    gated: model.gated ?? false,
    downloads: 0,
    likes: 0,
    tags: ['transformers', 'safetensors', 'text-generation', ...(model.tags ?? [])],
    ...(model.parameters === undefined
      ? {}
      : { safetensors: { parameters: model.parameters, total: sum(model.parameters) } }),
    pipeline_tag: 'text-generation',
    lastModified: '2026-01-01T00:00:00.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    usedStorage: model.files.reduce((sum, file) => sum + file.size, 0),
    siblings: model.files.map((file) => ({
      rfilename: file.path,
      ...(blobs ? { size: file.size, blobId: file.oid, ...large(file, 'sha256') } : {}),
    })),
  };
}

function sum(parameters: Record<string, number>): number {
  return Object.values(parameters).reduce((total, count) => total + count, 0);
}

/** One page of `/api/models/{id}/tree/{rev}`, with the address of the next one in `Link`. */
export function tree(response: ServerResponse, model: HubModel, url: URL, pageSize: number): void {
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const folders = new Set(model.files.flatMap((file) => foldersOf(file.path)));
  const entries = [
    ...[...folders].map((path) => ({ type: 'directory', path, oid: model.commit, size: 0 })),
    ...model.files.map((file) => ({
      type: 'file',
      path: file.path,
      oid: file.oid,
      size: file.size,
      ...large(file, 'oid'),
    })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const next = new URL(url);
  next.searchParams.set('cursor', String(from + pageSize));
  if (from + pageSize < entries.length) response.setHeader('link', `<${next.href}>; rel="next"`);
  json(response, entries.slice(from, from + pageSize));
}

function large(file: StoredFile, hashName: 'oid' | 'sha256') {
  if (file.sha256 === null) return {};
  const pointerSize = Buffer.byteLength(pointer(file.sha256, file.size));
  return { lfs: { [hashName]: file.sha256, size: file.size, pointerSize } };
}

function foldersOf(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_segment, at) => segments.slice(0, at + 1).join('/'));
}

/** Answers 200 with JSON. */
export function json(response: ServerResponse, answer: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(answer));
}

/** Answers an error in the words of the hub: `X-Error-Code`, `X-Error-Message`. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string | null,
  message?: string,
): void {
  if (code !== null) response.setHeader('x-error-code', code);
  if (message !== undefined) response.setHeader('x-error-message', message);
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify({ error: message ?? code }));
}
