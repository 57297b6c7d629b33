import { request } from 'node:http';
import { Readable } from 'node:stream';

/** An answer of the engine, whole. */
export interface EngineAnswer {
  status: number;
  text: string;
}

/** Path of the socket that DOCKER_HOST names; Docker's default without it. Only unix sockets. */
export function engineSocket(dockerHost: string | undefined): string {
  const host = dockerHost || 'unix:///var/run/docker.sock';
  if (!host.startsWith('unix://')) throw new Error(`DOCKER_HOST=${host}: only unix:// sockets are supported`);
  return host.slice('unix://'.length);
}

/** How long one call may take, in milliseconds: an import writes 130 MB. */
const CALL_DEADLINE_MS = 120_000;

/** One call of the Docker Engine API, in whatever version the engine prefers. */
export function engineCall(
  socketPath: string,
  method: string,
  path: string,
  body?: { type: string; chunks: Iterable<Buffer> },
  encoding: 'utf8' | 'latin1' = 'utf8',
): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath,
      method,
      path,
      headers: { host: 'docker', ...(body === undefined ? {} : { 'content-type': body.type }) },
      signal: AbortSignal.timeout(CALL_DEADLINE_MS),
    });
    call.on('error', reject);
    call.on('response', (response) => {
      let text = '';
      response.setEncoding(encoding);
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    if (body === undefined) call.end();
    else Readable.from(body.chunks).on('error', reject).pipe(call);
  });
}

/** A call that must succeed, in its status and in its stream; returns the body. Throws with the engine's words. */
export async function mustCall(...args: Parameters<typeof engineCall>): Promise<string> {
  const answer = await engineCall(...args);
  if (answer.status >= 300 || answer.text.includes('"errorDetail"')) {
    throw new Error(`${args[1]} ${args[2]}: ${answer.status} ${answer.text.trim()}`);
  }
  return answer.text;
}

/** A JSON body. */
export function jsonBody(value: unknown): { type: string; chunks: Iterable<Buffer> } {
  return { type: 'application/json', chunks: [Buffer.from(JSON.stringify(value))] };
}
