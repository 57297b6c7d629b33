import type { Engine } from '../docker/engine.ts';
import { unsupportedReason } from '../docker/engine-info.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Finding } from '../status/problem.ts';

/** Looks once per connection whether the engine is of a kind that the daemon can work with. */
export interface EngineSupport {
  /** Tells how the engine is reached now; asks it when that is news. */
  look(docker: { version: string | null; reachable: boolean }): void;
}

/** Makes it; `onFinding` gets what speaks against the engine, or null. */
export function createEngineSupport(parts: {
  engine: Pick<Engine, 'info'>;
  log: Log;
  onFinding(finding: Finding | null): void;
}): EngineSupport {
  let asked = false;
  return {
    look({ reachable }) {
      if (!reachable) asked = false;
      if (!reachable || asked) return;
      asked = true;
      parts.engine.info().then(
        (info) => parts.onFinding(unsupportedReason(info)),
        (error: unknown) => {
          asked = false;
          parts.log.debug(`the engine did not say of which kind it is: ${errorMessage(error)}`);
        },
      );
    },
  };
}
