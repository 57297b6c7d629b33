import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Control } from '../../src/api/control.ts';
import { type Api, type ApiParts, createApi } from '../../src/api/server.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { assembleStatus } from '../../src/status/assemble.ts';
import { readyFacts } from './status-facts.ts';

/** What a test asked of the control, in order. */
export type Calls = string[];

/** A control of two services that notes what it is asked for. */
export function fakeControl(calls: Calls, change: Partial<Control> = {}): Control {
  const note = (call: string) => async () => {
    calls.push(call);
  };
  return {
    start: (name) => note(`start ${name}`)(),
    stop: (name) => note(`stop ${name}`)(),
    restart: (name) => note(`restart ${name}`)(),
    retryModel: note('retry model'),
    reload: note('reload'),
    serviceNames: () => ['api', 'ui'],
    async *logs(name, query) {
      yield `${name} ${query.tail} ${query.follow}`;
    },
    ...change,
  };
}

/** An api whose sockets lie in a folder of its own; `dispose` closes it and removes the folder. */
export async function testApi(change: Partial<ApiParts> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ai-sandbox-api-'));
  const calls: Calls = [];
  const socketPath = join(folder, 'control.sock');
  const api: Api = createApi({
    current: () => assembleStatus(readyFacts()),
    ready: () => ({ ready: true, reasons: [] }),
    livez: () => ({ ok: true, detail: 'the main loop moves' }),
    control: fakeControl(calls),
    listen: { host: '127.0.0.1', port: 0 },
    socketPath,
    clock: systemClock,
    log: silentLog,
    ...change,
  });
  return {
    api,
    calls,
    folder,
    socketPath,
    async [Symbol.asyncDispose]() {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
