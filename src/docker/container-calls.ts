import type { CreateRequest, Engine, ObservedContainer, RunningContainer } from './engine.ts';
import { type EngineCalls, type EngineLimits, isKind, orNullWhenMissing } from './engine-calls.ts';
import { asRecord, asText } from './json-reader.ts';
import { COMPOSE_LABELS, SPEC_HASH_LABEL } from './labels.ts';
import { parseContainer } from './observed-container.ts';
import { isPortAllocated, namePortHolder, parseRunning } from './port-holder.ts';

type ContainerCalls = Pick<
  Engine,
  | 'listContainers'
  | 'listRunning'
  | 'inspectContainer'
  | 'createContainer'
  | 'startContainer'
  | 'stopContainer'
  | 'killContainer'
  | 'removeContainer'
  | 'setRestartPolicy'
>;

/** The calls about containers. */
export function containerCalls(calls: EngineCalls, limits: EngineLimits): ContainerCalls {
  const inspectContainer: Engine['inspectContainer'] = (id, signal) =>
    orNullWhenMissing(
      calls.read(`inspecting container ${id}`, limits.readMs, signal, async (docker) => {
        const container = parseContainer(await docker.getContainer(encodeURIComponent(id)).inspect());
        if (container === null) throw new Error('the answer of the engine is not a container');
        return container;
      }),
    );
  const listIds = async (filters: Record<string, string[]>, signal?: AbortSignal): Promise<string[]> =>
    calls.read('listing containers', limits.readMs, signal, async (docker) => {
      const answer: unknown = await docker.listContainers({ all: true, filters });
      if (!Array.isArray(answer)) throw new Error('the answer of the engine is not a list of containers');
      return answer.map((entry) => asText(asRecord(entry)['Id'])).filter((id) => id !== '');
    });
  const listRunning: Engine['listRunning'] = (signal) =>
    calls.read('listing what runs', limits.readMs, signal, async (docker) => {
      const answer: unknown = await docker.listContainers();
      if (!Array.isArray(answer)) throw new Error('the answer of the engine is not a list of containers');
      return answer.map(parseRunning).filter((entry): entry is RunningContainer => entry !== null);
    });
  const removeContainer: Engine['removeContainer'] = async (id, { force }, signal) => {
    await orNullWhenMissing(
      calls.change('change', `removing container ${id}`, limits.removeMs, signal, (docker) =>
        docker.getContainer(encodeURIComponent(id)).remove({ force, v: true }),
      ),
    );
  };

  return {
    inspectContainer,
    listRunning,
    removeContainer,

    async listContainers(project, names, signal) {
      const patterns = names.map((name) => `^/?${name.replace(/[.\\^$*+?()[\]{}|]/g, '\\$&')}$`);
      const [labelled, made, named] = await Promise.all([
        listIds({ label: [`${COMPOSE_LABELS.project}=${project}`] }, signal),
        listIds({ label: [SPEC_HASH_LABEL] }, signal),
        patterns.length === 0 ? [] : listIds({ name: patterns }, signal),
      ]);
      const ids = [...new Set([...labelled, ...made, ...named])];
      const containers = await Promise.all(ids.map((id) => inspectContainer(id, signal)));
      // one that was removed since the list is not there any more
      return containers.filter((container): container is ObservedContainer => container !== null);
    },

    async createContainer(request, signal) {
      const what = `creating container ${request.name}`;
      const id = await calls.change('create', what, limits.createMs, signal, async (docker) => {
        // dockerode would put the whole body, secrets included, into the address without `_query` and `_body`
        const options = { name: request.name, _query: { name: request.name }, _body: request.body };
        const created = asText((await docker.createContainer(options)).id);
        if (created === '') throw new Error('the engine gives the new container no id');
        return created;
      });
      try {
        for (const later of request.laterNetworks) await joinNetwork(calls, limits, id, later, signal);
      } catch (error) {
        await removeContainer(id, { force: true }).catch(() => undefined);
        throw error;
      }
      return id;
    },

    startContainer: (id, signal) =>
      calls
        .change('start', `starting container ${id}`, limits.createMs, signal, (docker) =>
          docker.getContainer(encodeURIComponent(id)).start().catch(ignoreNotModified),
        )
        .catch(async (error: unknown) => {
          if (!isPortAllocated(error)) throw error;
          const running = await listRunning(signal).catch(() => null);
          throw running === null ? error : namePortHolder(error, running);
        }),

    stopContainer: (id, graceMs, signal) =>
      calls.change(
        'change',
        `stopping container ${id}`,
        graceMs + limits.stopMarginMs,
        signal,
        async (docker) => {
          await docker
            .getContainer(encodeURIComponent(id))
            .stop({ t: Math.ceil(graceMs / 1000) })
            .catch(ignoreNotModified);
        },
      ),

    killContainer: (id, signal) =>
      calls
        .change('change', `killing container ${id}`, limits.stopMarginMs, signal, async (docker) => {
          await docker.getContainer(encodeURIComponent(id)).kill();
        })
        .catch((error: unknown) => {
          if (!isKind(error, 'conflict') || !/is not running/i.test(String(error))) throw error;
        }),

    setRestartPolicy: (id, policy, signal) =>
      calls.change('change', `changing container ${id}`, limits.readMs, signal, async (docker) => {
        await docker.getContainer(encodeURIComponent(id)).update({ RestartPolicy: { Name: policy } });
      }),
  };
}

async function joinNetwork(
  calls: EngineCalls,
  limits: EngineLimits,
  id: string,
  later: CreateRequest['laterNetworks'][number],
  signal?: AbortSignal,
): Promise<void> {
  const what = `joining container ${id} to network ${later.network}`;
  await calls.change('create', what, limits.createMs, signal, async (docker) => {
    await docker
      .getNetwork(encodeURIComponent(later.network))
      .connect({ Container: id, EndpointConfig: later.endpoint });
  });
}

/** 304: the container is in the wanted state already. */
function ignoreNotModified(error: unknown): void {
  if (typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 304)
    return;
  throw error;
}
