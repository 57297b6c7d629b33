import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { refuseSecondDaemon } from '../../../src/api/unix-socket.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { fakeControl, testApi } from '../../support/test-api.ts';

/** What a busy machine may do to a process between a question and its answer. */
const STANDSTILL_MS = 1100;

/** Opens a request on a Unix socket and resolves with the head of its answer. */
function open(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, resolve).once('error', reject).end();
  });
}

/** What the server answers to raw bytes, until it closes the connection. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return await text(socket);
}

/** A log that gives `lines`, then waits for its reader to leave; `left` resolves when it has. */
function endlessLog(lines: string[]) {
  const left = Promise.withResolvers<void>();
  return {
    left: left.promise,
    async *logs(_name: string, _query: unknown, signal: AbortSignal) {
      signal.addEventListener('abort', () => left.resolve(), { once: true });
      yield* lines;
      await new Promise(() => undefined);
    },
  };
}

/** Leaves a socket behind, as a daemon does that is killed. */
function leaveSocket(path: string): void {
  const listen = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', listen]);
}

describe('listening', () => {
  it('answers on the port and on a socket that only owner and group may use', async () => {
    await using setup = await testApi();
    const { port } = await setup.api.listen();
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
    expect((await open(setup.socketPath, '/livez')).statusCode).toBe(200);
    expect((await stat(setup.socketPath)).mode & 0o777).toBe(0o660);
  });

  it('makes the folder of the socket and leaves no socket behind', async () => {
    await using setup = await testApi();
    const socketPath = join(setup.folder, 'run', 'deep', 'control.sock');
    await using other = await testApi({ socketPath });
    await other.api.listen();
    expect(existsSync(socketPath)).toBe(true);
    await other.api.close();
    expect(existsSync(socketPath)).toBe(false);
  });

  it('replaces the socket of a daemon that was killed', async () => {
    await using setup = await testApi();
    leaveSocket(setup.socketPath);
    expect(existsSync(setup.socketPath)).toBe(true);
    await setup.api.listen();
    expect((await open(setup.socketPath, '/livez')).statusCode).toBe(200);
  });

  it('does not take a dead socket for a living daemon after the process has stood still', async () => {
    await using setup = await testApi();
    leaveSocket(setup.socketPath);
    const asked = refuseSecondDaemon(setup.socketPath);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STANDSTILL_MS);
    await expect(asked).resolves.toBeUndefined();
  });

  it('refuses to take the socket of a daemon that runs, and does not disturb it', async () => {
    await using running = await testApi();
    await running.api.listen();
    await using second = await testApi({ socketPath: running.socketPath });
    await expect(second.api.listen()).rejects.toMatchObject({
      code: 'already_running',
      message: `another ai-sandbox daemon answers on ${running.socketPath}; stop it first: systemctl stop ai-sandbox`,
    });
    expect((await open(running.socketPath, '/livez')).statusCode).toBe(200);
  });

  it('refuses a path where something else than a socket lies, and keeps it', async () => {
    await using setup = await testApi();
    await writeFile(setup.socketPath, 'precious');
    await expect(setup.api.listen()).rejects.toMatchObject({ code: 'socket_path_taken' });
    expect(await readFile(setup.socketPath, 'utf8')).toBe('precious');
  });

  it('names a folder that cannot be made', async () => {
    await using setup = await testApi({ socketPath: '/dev/null/control.sock' });
    await expect(setup.api.listen()).rejects.toMatchObject({
      code: 'listen_failed',
      message: expect.stringContaining('/dev/null'),
    });
  });

  it('names a port that is taken, and leaves no socket open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await using setup = await testApi({ listen: { host: '127.0.0.1', port } });
      await expect(setup.api.listen()).rejects.toMatchObject({
        code: 'port_in_use',
        message: `127.0.0.1:${port} is in use by another program; find it with: ss -ltnp 'sport = :${port}', or set AI_SANDBOX_LISTEN`,
      });
      expect(existsSync(setup.socketPath)).toBe(false);
    } finally {
      taken.close();
    }
  });

  it('names an address that this machine does not have', async () => {
    await using setup = await testApi({ listen: { host: '192.0.2.1', port: 9000 } });
    await expect(setup.api.listen()).rejects.toMatchObject({ code: 'address_not_available' });
  });
});

describe('answering', () => {
  it.each([
    ['bytes that are not HTTP', 'hello\r\n\r\n', 'HTTP/1.1 400 Bad Request'],
    [
      'an empty Host',
      'GET /status HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n',
      'HTTP/1.1 421 Misdirected Request',
    ],
    [
      'a header that is too large',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      'HTTP/1.1 431 Request Header Fields Too Large',
    ],
  ])('answers %s with problem+json', async (_what, bytes, start) => {
    await using setup = await testApi();
    const { port } = await setup.api.listen();
    const answer = await raw(port, bytes);
    expect(answer.slice(0, start.length)).toBe(start);
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
  });

  it('answers a plain HTTP/1.0 check without Host', async () => {
    await using setup = await testApi();
    const { port } = await setup.api.listen();
    expect(await raw(port, 'GET /livez HTTP/1.0\r\n\r\n')).toContain(' 200 OK');
  });
});

describe('log streams', () => {
  it('sends lines as they come', async () => {
    const gate = Promise.withResolvers<void>();
    await using setup = await testApi({
      control: fakeControl([], {
        async *logs() {
          yield 'first';
          await gate.promise;
          yield 'second';
        },
      }),
    });
    await setup.api.listen();
    const answer = await open(setup.socketPath, '/services/api/logs?follow=true');
    const [first] = await once(answer, 'data');
    expect(String(first)).toBe('first\n');
    gate.resolve();
    expect(await text(answer)).toBe('second\n');
  });

  it('sends its head before the first line comes', async () => {
    const log = endlessLog([]);
    await using setup = await testApi({ control: fakeControl([], { logs: log.logs }) });
    await setup.api.listen();
    const answer = await open(setup.socketPath, '/services/api/logs?follow=true');
    expect(answer.statusCode).toBe(200);
    answer.destroy();
    await log.left;
  });

  it('tells the source when the reader leaves', async () => {
    const log = endlessLog(['line']);
    await using setup = await testApi({ control: fakeControl([], { logs: log.logs }) });
    await setup.api.listen();
    const answer = await open(setup.socketPath, '/services/api/logs?follow=true');
    await once(answer, 'data');
    answer.destroy();
    await log.left;
  });

  it('cuts the connection when the source breaks off, so that the reader cannot take it for the end', async () => {
    const gate = Promise.withResolvers<void>();
    await using setup = await testApi({
      control: fakeControl([], {
        async *logs() {
          yield 'first';
          await gate.promise;
          throw new Error('the engine went away');
        },
      }),
    });
    await setup.api.listen();
    const answer = await open(setup.socketPath, '/services/api/logs?follow=true');
    await once(answer, 'data');
    gate.resolve();
    await expect(text(answer)).rejects.toThrow('aborted');
  });

  it('allows sixteen at a time', async () => {
    const log = endlessLog(['line']);
    await using setup = await testApi({ control: fakeControl([], { logs: log.logs }) });
    await setup.api.listen();
    const path = '/services/api/logs?follow=true';
    const answers = await Promise.all(Array.from({ length: 16 }, () => open(setup.socketPath, path)));
    const refused = await open(setup.socketPath, path);
    expect(refused.statusCode).toBe(503);
    for (const answer of [...answers, refused]) answer.destroy();
  });
});

describe('closing', () => {
  it('ends the log streams properly, so that the reader can tell the end from a break', async () => {
    const log = endlessLog(['line']);
    await using setup = await testApi({ control: fakeControl([], { logs: log.logs }) });
    await setup.api.listen();
    const stream = await open(setup.socketPath, '/services/api/logs?follow=true');
    const [line] = await once(stream, 'data');
    const ended = text(stream);
    await setup.api.close();
    expect(String(line)).toBe('line\n');
    expect(await ended).toBe('');
  });

  it('finishes an answer that is under way although its connection would be kept open', async () => {
    const arrived = Promise.withResolvers<void>();
    await using setup = await testApi();
    setup.api.tcp.get('/slow', async () => {
      arrived.resolve();
      await systemClock.sleep(200);
      return 'done';
    });
    const { port } = await setup.api.listen();
    const answer = fetch(`http://127.0.0.1:${port}/slow`);
    await arrived.promise;
    await setup.api.close();
    expect(await (await answer).text()).toBe('done');
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  });

  it('can be called twice, and before anything listens', async () => {
    await using setup = await testApi();
    await setup.api.close();
    await setup.api.close();
  });
});
