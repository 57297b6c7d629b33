import type { ComposeProject } from '../compose/service-spec.ts';
import type { Engine } from '../docker/engine.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** The engine that systemd runs listens here (docker.socket of moby; /var/run is a link to /run). */
const SYSTEM_SOCKETS: ReadonlySet<string> = new Set(['/run/docker.sock', '/var/run/docker.sock']);
const ENGINE_UNIT = 'docker.service';

/** Restarts Docker where only that helps, and where it disturbs nobody. */
export interface EngineRestart {
  /** False: it is not ours to restart. What runs is looked at first, so that true promises only the attempt. */
  request(): boolean;
  /** The compose project whose containers are ours. */
  setProject(project: Pick<ComposeProject, 'name'>): void;
}

/** Parts of {@link createEngineRestart}. */
export interface EngineRestartParts {
  engine: Pick<Engine, 'listRunning'>;
  log: Log;
  /** The engine's socket. */
  socketPath: string;
  /** Whether the daemon is itself a service of systemd: only then Docker is too, and the machine is ours. */
  underSystemd: boolean;
  restartUnit(unit: string): Promise<void>;
}

/** Makes it; nothing happens before the first request. */
export function createEngineRestart(parts: EngineRestartParts): EngineRestart {
  const { log } = parts;
  let restarting = false;
  let own: string | null = null;
  const restart = async () => {
    const foreign = (await parts.engine.listRunning()).filter(({ project }) => project !== own);
    if (foreign.length > 0) {
      const names = foreign.map(({ name }) => name).join(', ');
      log.warn(`Docker is not restarted, because containers of others run: ${names}`);
      return;
    }
    await parts.restartUnit(ENGINE_UNIT);
    log.warn('Docker was restarted');
  };
  return {
    request() {
      if (!parts.underSystemd || !SYSTEM_SOCKETS.has(parts.socketPath)) return false;
      if (restarting) return true;
      restarting = true;
      restart()
        .catch((error: unknown) => log.warn(`Docker could not be restarted: ${errorMessage(error)}`))
        .finally(() => {
          restarting = false;
        });
      return true;
    },
    setProject({ name }) {
      own = name;
    },
  };
}
