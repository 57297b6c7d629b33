import { askForJson } from './client.ts';
import type { CliContext } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** The service that was named, or all services that the daemon knows. */
export async function chosenServices(context: CliContext, positionals: string[]): Promise<string[]> {
  if (positionals.length > 0) return positionals;
  const place = { socketPath: context.settings.socketPath };
  const status = await askForJson(place, 'GET', '/status', context.clock);
  if (typeof status === 'object' && status !== null && 'services' in status) {
    return Object.keys(status.services as object);
  }
  throw new CliFailure(EXIT.failed, 'the daemon answered in a form this command does not know');
}

/** A name as one part of a path. */
export function servicePath(name: string, action: string): string {
  return `/services/${encodeURIComponent(name)}/${action}`;
}
