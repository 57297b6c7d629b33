import type { Status } from './schema.ts';

/** The answer of GET /readyz. */
export interface Readiness {
  ready: boolean;
  /** Empty exactly when ready. */
  reasons: string[];
}

/**
 * Not ready until every service of the compose file is ready, the chats have been checked and the deployment is completed;
 * once it is completed, whenever a service is not ready.
 */
export function readiness(status: Pick<Status, 'services' | 'chat' | 'deployment' | 'problems'>): Readiness {
  const reasons = Object.entries(status.services).flatMap(([name, view]) =>
    view.ready ? [] : [`${name}: ${whyNotReady(name, view)}`],
  );
  const { deployment_status } = status.deployment;
  if (deployment_status !== 'completed') {
    if ('ui' in status.services && status.chat.persistence_state === null) {
      reasons.push('chats: not checked yet');
    }
    reasons.push(`deployment: ${deployment_status === 'failed' ? 'failed' : 'in progress'}`);
  }
  return { ready: reasons.length === 0, reasons };
}

function whyNotReady(name: string, view: Status['services'][string]): string {
  if (!view.wanted) return `stopped on request (ai-sandbox start ${name})`;
  if (view.problem !== null) return `${view.problem.title} (${view.problem.code})`;
  if (view.waiting_for !== null) return `waiting for ${view.waiting_for}`;
  if (view.next_restart_at !== null) return `restarts at ${view.next_restart_at}`;
  return view.service_status === 'running' ? 'runs, but does not answer yet' : view.service_status;
}
