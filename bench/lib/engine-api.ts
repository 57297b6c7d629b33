import { Agent, request } from 'node:http';

/** One kept connection to the engine's API, and nothing beside it. */
export interface EngineApi {
  /** Resolves with the parsed answer, null for an empty one; rejects with the engine's words. */
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
  close(): void;
}

/** Opens it at the first call. */
export function openEngineApi(socketPath: string): EngineApi {
  const agent = new Agent({ keepAlive: true });
  return {
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? '' : JSON.stringify(body);
        const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
        const sent = request({ agent, socketPath, path, method, headers }, (response) => {
          let answer = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            answer += chunk;
          });
          response.on('end', () => {
            if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${answer}`));
            else resolve(answer === '' ? null : JSON.parse(answer));
          });
        });
        sent.on('error', reject);
        sent.end(text);
      }),
    close: () => agent.destroy(),
  };
}

/** A container of {@link startWithApi}: port 80 is published on 127.0.0.1. */
interface Container {
  name: string;
  port: number;
}

/** The least that starts containers on a new network: its creation, then creation and start of all at the same time. */
export async function startWithApi(
  socketPath: string,
  network: string,
  image: string,
  command: string[],
  containers: readonly Container[],
): Promise<void> {
  const api = openEngineApi(socketPath);
  try {
    await api.call('POST', '/networks/create', { Name: network, Driver: 'bridge', CheckDuplicate: true });
    await Promise.all(
      containers.map(async ({ name, port }) => {
        const created = await api.call('POST', `/containers/create?name=${name}`, {
          Image: image,
          Cmd: command,
          ExposedPorts: { '80/tcp': {} },
          HostConfig: {
            NetworkMode: network,
            PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
          },
        });
        await api.call('POST', `/containers/${(created as { Id: string }).Id}/start`);
      }),
    );
  } finally {
    api.close();
  }
}

/** State of a container in the engine's own words; times in milliseconds since 1970. Null where there is none. */
export async function stateOf(
  api: EngineApi,
  container: string,
): Promise<{ running: boolean; pid: number; startedAt: number } | null> {
  const answer = await api.call('GET', `/containers/${container}/json`).catch(() => null);
  if (answer === null) return null;
  const { State } = answer as { State: { Running: boolean; Pid: number; StartedAt: string } };
  return { running: State.Running, pid: State.Pid, startedAt: preciseTime(State.StartedAt) };
}

/** Milliseconds since 1970 of an RFC 3339 time, with the fraction that Date drops. */
function preciseTime(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '0';
  return Math.floor(Date.parse(text) / 1000) * 1000 + Number(`0.${fraction}`) * 1000;
}
