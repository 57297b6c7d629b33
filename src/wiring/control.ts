import type { Control } from '../api/control.ts';
import type { Engine } from '../docker/engine.ts';
import type { ModelKeeper } from '../model/keeper.ts';
import type { Supervisor } from '../services/types.ts';
import type { Publisher } from '../status/publisher.ts';

/** Connects what the control socket can ask for to the rooms that do it. */
export function createControl(parts: {
  supervisor: Pick<Supervisor, 'start' | 'stop' | 'restart' | 'snapshot'>;
  model: Pick<ModelKeeper, 'retry'>;
  engine: Pick<Engine, 'logs'>;
  publisher: Pick<Publisher, 'publish'>;
  reload: Control['reload'];
}): Control {
  const { supervisor, model, engine, publisher } = parts;
  /** A finished job is already visible in /status. */
  const shown = async (action: Promise<void>) => {
    await action;
    await publisher.publish();
  };
  return {
    start: (name) => shown(supervisor.start(name)),
    stop: (name) => shown(supervisor.stop(name)),
    restart: (name) => shown(supervisor.restart(name)),
    retryModel: async () => {
      const refusal = model.retry();
      if (refusal !== null) throw new Error(refusal);
      await publisher.publish();
    },
    reload: parts.reload,
    serviceNames: () => Object.keys(supervisor.snapshot().services),
    async *logs(name, query, signal) {
      const id = supervisor.snapshot().services[name]?.container_id ?? null;
      if (id === null) throw new Error(`${name} has no container yet, so it has no log`);
      for await (const line of engine.logs(id, query, signal)) yield line.text;
    },
  };
}
