import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionError, type StreamReceiver, streamGet } from '../../src/model/http-stream.ts';
import { bytesOf } from '../support/model-files.ts';
import { SOON_MS } from '../support/soon.ts';

const content = bytesOf('stream', 3_000_000);
const alive = new AbortController().signal;

let server: Server;
let dispatcher: Agent;
let answer: RequestListener;
beforeEach(async () => {
  answer = (_request, response) => response.end(content);
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  dispatcher = new Agent({ allowH2: false, pipelining: 1 });
});
afterEach(async () => {
  await dispatcher.destroy();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const get = (receiver: StreamReceiver, signal = alive) => {
  const { port } = server.address() as AddressInfo;
  return streamGet(dispatcher, new URL(`http://127.0.0.1:${port}/`), {}, receiver, signal);
};

describe('an answer whose bytes are pushed', () => {
  it('is paused after every chunk without losing, doubling or inventing any', async () => {
    const chunks: Buffer[] = [];
    let paused = 0;
    await get({
      onHead: () => true,
      onBytes: async (chunk) => {
        paused += 1;
        expect(paused).toBe(1);
        expect(chunk.length).toBeGreaterThan(0);
        chunks.push(chunk);
        await nextTurn();
        paused -= 1;
      },
    });
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  it('ends with what the receiver throws, as it is', async () => {
    const full = new Error('the disk is full');
    await expect(get({ onHead: () => true, onBytes: () => Promise.reject(full) })).rejects.toBe(full);
    const thrown = () => {
      throw full;
    };
    await expect(get({ onHead: thrown, onBytes: () => undefined })).rejects.toBe(full);
    await expect(get({ onHead: () => true, onBytes: thrown })).rejects.toBe(full);
  });

  it('ends with the cause when its connection does', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': String(content.length) });
      response.write(content.subarray(0, 1000), () => response.socket?.resetAndDestroy());
    };
    const lost = get({ onHead: () => true, onBytes: () => undefined });
    await expect(lost).rejects.toBeInstanceOf(ConnectionError);
    await expect(lost).rejects.toMatchObject({ cause: { code: expect.any(String) } });
  });

  it('ends at once when nobody wants it any more, also before it has begun', async () => {
    answer = () => {};
    const over = new AbortController();
    const waiting = get({ onHead: () => true, onBytes: () => undefined }, over.signal);
    setTimeout(() => over.abort(new Error('enough')), 20);
    await expect(waiting).rejects.toThrow('enough');
    await expect(get({ onHead: () => true, onBytes: () => undefined }, over.signal)).rejects.toThrow(
      'enough',
    );
  });

  it('keeps the connection of a short answer that is not wanted, and cuts a long one', async () => {
    const sockets = new Set<unknown>();
    answer = (request, response) => {
      sockets.add(request.socket);
      response.end('x');
    };
    const unwanted = { onHead: () => false, onBytes: () => undefined };
    for (let at = 0; at < 3; at += 1) {
      expect(await get(unwanted)).toMatchObject({ status: 200 });
      await nextTurn();
    }
    expect(sockets.size).toBeLessThan(3);
    let cut = false;
    answer = (request, response) => {
      request.socket.on('close', () => {
        cut = true;
      });
      response.write(content);
    };
    expect(await get(unwanted)).toMatchObject({ status: 200 });
    await expect.poll(() => cut, { timeout: SOON_MS }).toBe(true);
  });
});
