import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import type { Credentials } from './credentials.ts';
import { checkDisk, type PullNeed } from './disk-check.ts';
import { type Engine, EngineError } from './engine.ts';
import { type EngineCalls, type EngineLimits, orNullWhenMissing } from './engine-calls.ts';
import { localName, parseImageReference } from './image-reference.ts';
import { asRecord, asText } from './json-reader.ts';
import { pull } from './pull.ts';

/** What {@link imageCalls} needs. */
interface ImageCallParts {
  clock: Clock;
  redactor: Redactor;
  log: Log;
  credentials: Credentials;
  calls: EngineCalls;
  limits: EngineLimits;
  info: Engine['info'];
  freeBytes: (directory: string) => Promise<number>;
  claimedBytes: (directory: string) => Promise<number>;
}

/** The calls about images. */
export function imageCalls(parts: ImageCallParts): Pick<Engine, 'imageId' | 'pullImage'> {
  const { calls, limits } = parts;
  const runningPulls = new Set<PullNeed>();

  const imageId: Engine['imageId'] = async (text, signal) => {
    const reference = parseImageReference(text);
    if (reference === null) return null;
    const answer = await orNullWhenMissing(
      calls.read(`inspecting image ${text}`, limits.readMs, signal, (docker) =>
        docker.getImage(localName(reference)).inspect(),
      ),
    );
    return asText(asRecord(answer)['Id']) || null;
  };

  const proveSpace = async (requiredBytes: number, signal: AbortSignal): Promise<void> => {
    const { imageDirectory } = await parts.info(signal);
    let free: number;
    try {
      free = await parts.freeBytes(imageDirectory);
    } catch (error) {
      // an engine behind a mount of its own: the pull itself will tell
      parts.log.debug('the free space for images is unknown', { imageDirectory, error: errorMessage(error) });
      return;
    }
    const finding = checkDisk({
      directory: imageDirectory,
      freeBytes: free,
      requiredBytes,
      running: [...runningPulls],
      claimedBytes: await parts.claimedBytes(imageDirectory),
      reserveBytes: limits.diskReserveBytes,
    });
    if (finding !== null) throw new EngineError('refused', finding.detail, finding);
  };

  return {
    imageId,
    async pullImage(text, onProgress, signal, options = {}) {
      const reference = parseImageReference(text);
      if (reference === null) {
        const detail = `"${parts.redactor.redact(text)}" is not the name of an image`;
        throw new EngineError('bad_request', detail, { code: 'image_not_found', detail });
      }
      if (options.requiredBytes !== undefined) await proveSpace(options.requiredBytes, signal);
      const need: PullNeed = { requiredBytes: options.requiredBytes ?? 0, doneShare: 0 };
      runningPulls.add(need);
      try {
        const auth = await parts.credentials.authHeader(reference.registry, signal);
        await pull(
          {
            clock: parts.clock,
            redactor: parts.redactor,
            log: parts.log,
            limits: limits.pull,
            open: (scope) =>
              calls.open(
                'pull',
                {
                  what: `pulling ${text}`,
                  method: 'POST',
                  path: '/images/create',
                  query: { fromImage: reference.name, tag: reference.digest ?? reference.tag ?? '' },
                  headers: auth === null ? {} : { 'x-registry-auth': auth },
                  // the engine answers only when the registry has; the silence of the pull bounds it
                  deadlineMs: null,
                },
                scope,
              ),
            isPresent: async (scope) => (await imageId(text, scope)) !== null,
          },
          text,
          (progress) => {
            need.doneShare = progress.share ?? 0;
            onProgress(progress);
          },
          signal,
        );
      } finally {
        runningPulls.delete(need);
      }
    },
  };
}
