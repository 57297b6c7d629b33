import { EngineError, type RunningContainer } from './engine.ts';
import { asList, asNumber, asRecord, asText, asTextRecord } from './json-reader.ts';
import { COMPOSE_LABELS } from './labels.ts';

/** moby's allocator of ports (20.10 to 29): the engine has given the port away itself. */
const ALLOCATED = /Bind for (?<ip>\S*):(?<port>\d{1,5}) failed: port is already allocated/;

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['', '0.0.0.0', '::', '[::]']);

/** Whether a start was refused because the engine has given the port away itself: then it knows to whom. */
export function isPortAllocated(error: unknown): error is EngineError {
  return error instanceof EngineError && ALLOCATED.test(error.message);
}

/** Reduces one entry of `GET /containers/json`. Null when it is not the description of a container. */
export function parseRunning(entry: unknown): RunningContainer | null {
  const fields = asRecord(entry);
  const id = asText(fields['Id']);
  if (id === '') return null;
  const bindings = asList(fields['Ports']).map((port) => {
    const { IP: hostIp, PublicPort: hostPort } = asRecord(port);
    return { hostIp: asText(hostIp), hostPort: asNumber(hostPort) };
  });
  return {
    id,
    name: asText(asList(fields['Names'])[0]).replace(/^\//, ''),
    project: asTextRecord(fields['Labels'])[COMPOSE_LABELS.project] ?? null,
    publishedPorts: bindings.filter(({ hostPort }) => hostPort > 0),
  };
}

/**
 * The refusal with the name of the container that holds the port; `port_left_taken` where none does: the allocator of the
 * engine has kept what a start that was cut off had taken (seen with 20.10.24 after a power cut). Pure.
 */
export function namePortHolder(error: EngineError, running: readonly RunningContainer[]): EngineError {
  const { ip = '', port = '' } = ALLOCATED.exec(error.message)?.groups ?? {};
  const { detail } = error.finding;
  const holder = running.find(({ publishedPorts }) =>
    publishedPorts.some((bound) => String(bound.hostPort) === port && overlap(bound.hostIp, ip)),
  );
  const finding =
    holder === undefined
      ? { code: 'port_left_taken' as const, detail: `${detail}; no container that runs has it` }
      : {
          code: 'port_in_use' as const,
          detail: `${detail}; the container ${holder.name} has it`,
          remedy: `Stop it with: docker stop ${holder.name}; or change the port in the compose file.`,
        };
  return new EngineError(error.kind, error.message, finding, error.statusCode);
}

function overlap(one: string, other: string): boolean {
  return one === other || EVERY_ADDRESS.has(one) || EVERY_ADDRESS.has(other);
}
