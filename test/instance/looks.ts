import type { Status } from '../../src/status/schema.ts';
import type { Machine } from './machine.ts';

/** From a running daemon to everything ready, when images and model come from this computer. */
export const READY_LIMIT_MS = 120_000;

/** Waits until the deployment is completed, every service is ready, and `/readyz` says so. */
export async function untilReady(machine: Machine, limitMs: number = READY_LIMIT_MS): Promise<Status> {
  const status = await machine.waitFor(
    ({ deployment, services }) =>
      deployment.deployment_status === 'completed' &&
      Object.keys(services).length > 0 &&
      Object.values(services).every((service) => service.ready),
    'everything ready',
    limitMs,
  );
  await machine.waitUntil('curl -sf -m 5 http://127.0.0.1:9000/readyz', '/readyz is 200', limitMs);
  return status;
}

/** {@link containers} with the moment each was started: one that was restarted is another line. */
export async function runs(machine: Machine): Promise<string> {
  return machine.must(
    `docker inspect -f '{{.Name}} {{.Id}} {{.State.Status}} {{.State.StartedAt}}' $(docker ps -aq) | sort`,
  );
}

/** The containers of the machine's engine, running ones and others, with their ids; one a line, in order of their names. */
export async function containers(machine: Machine): Promise<string> {
  return machine.must(`docker ps -a --no-trunc --format '{{.Names}} {{.ID}} {{.State}}' | sort`);
}
