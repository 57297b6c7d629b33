import { errorMessage, unreachable } from '../../lib/errors.ts';
import { findingClass } from '../machine.ts';
import { ModelError } from '../types.ts';
import { type FileTrack, VersionError } from './file-track.ts';
import type { Flow } from './flow.ts';
import { fetchPart, type LivePart, RangesIgnoredError } from './part-fetch.ts';
import { longer, NO_REST } from './rest.ts';
import { type AfterLoss, afterLoss } from './retry.ts';
import { SilenceError } from './silence.ts';

/**
 * Fetches one part of a file for a transfer. A connection that is lost for a reason that may pass only leaves its part
 * undone; what does not pass is thrown.
 */
export async function flyPart(flow: Flow, track: FileTrack, part: LivePart): Promise<void> {
  const { stop, barrenInRow: barrenBefore, presentBytes: presentBefore } = track;
  try {
    await fetchPart(
      {
        fetchRange: flow.hub.fetchRange,
        clock: flow.clock,
        limiter: flow.limiter,
        silenceLimitMs: flow.silenceLimitMs,
        model: flow.model,
        file: track.file,
        part,
        onVersion: track.seeVersion,
        write: async (buffers, position) => {
          await track.write(buffers, position);
          await flow.claims.written(flow.pace.connections);
        },
        onReceived: (bytes) => {
          // A file that comes from its start each time brings nothing new until it has passed what is there.
          if (!track.sequential) track.barrenInRow = 0;
          flow.pace.received(bytes);
          flow.onBytes(track.file, bytesThere(flow, track, part.file), bytes);
        },
      },
      AbortSignal.any([flow.signal, stop.signal]),
    );
  } catch (error) {
    flow.signal.throwIfAborted();
    // The file is begun again, and this was one of its connections.
    if (stop.signal.aborted) return;
    const movedBytes = track.sequential ? track.presentBytes - presentBefore : part.receivedBytes;
    // Connections that were opened together and fail together count once.
    track.barrenInRow = movedBytes > 0 ? 0 : Math.max(track.barrenInRow, barrenBefore + 1);
    await afterError(flow, track, part, movedBytes, error);
  }
}

/** Bytes in the file, and those that its connections have gathered for it. */
function bytesThere({ flights }: Flow, track: FileTrack, file: number): number {
  let bytes = track.presentBytes;
  for (const part of flights.parts) if (part.file === file) bytes += part.position - part.writtenTo;
  return Math.min(track.file.sizeBytes, bytes);
}

async function afterError(
  flow: Flow,
  track: FileTrack,
  part: LivePart,
  movedBytes: number,
  error: unknown,
): Promise<void> {
  if (error instanceof VersionError) {
    flow.log.warn('a file changed and is begun again', { file: track.file.path });
    return beginAgain(flow, track, part, async () => {
      await track.restart();
      flow.hub.forgetAddress(track.file);
      flow.onBytes(track.file, 0, 0);
    });
  }
  if (error instanceof RangesIgnoredError) {
    flow.log.warn('the hub sends no parts; the file comes over one connection', { file: track.file.path });
    return beginAgain(flow, track, part, async () => {
      track.sequential = true;
    });
  }
  if (error instanceof ModelError && findingClass(error.finding) !== 'transient') throw error;
  flow.log.warn('a connection was lost', {
    file: track.file.path,
    at_byte: part.position,
    cause: errorMessage(error),
  });
  const others = flow.flights.parts.filter((other) => other !== part);
  const next = afterLoss({
    movedBytes,
    silent: error instanceof SilenceError,
    retryAfterSeconds: error instanceof ModelError ? error.retryAfterSeconds : null,
    waitFor: error instanceof ModelError ? error.waitFor : 'hub',
    limited: error instanceof ModelError && error.finding.code === 'hub_rate_limited',
    barrenInRow: track.barrenInRow,
    othersMove: others.some((other) => other.receivedBytes > 0),
  });
  followDecision(flow, track, next, error);
}

function followDecision(flow: Flow, track: FileTrack, next: AfterLoss, error: unknown): void {
  switch (next.kind) {
    case 'replace':
      break;
    case 'rest': {
      const asked = error instanceof ModelError && error.retryAfterSeconds !== null;
      const rest = { untilMs: flow.clock.monotonicMs() + next.ms, refusal: asked ? error : null };
      flow.pace.refused();
      if (next.what === 'file') track.rest = longer(track.rest, rest);
      else flow.rests[next.what] = longer(flow.rests[next.what], rest);
      flow.lookAgainAfter(next.ms);
      break;
    }
    case 'give-up':
      if (error instanceof ModelError) throw error;
      throw new ModelError({
        code: 'hub_unreachable',
        detail: `${track.file.path}: ${errorMessage(error)}`,
      });
    default:
      unreachable(next);
  }
}

/** Ends all connections of a file, changes what has to be changed while nobody writes it, and lets it go on. */
async function beginAgain(
  flow: Flow,
  track: FileTrack,
  part: LivePart,
  change: () => Promise<void>,
): Promise<void> {
  track.rest = { untilMs: Number.POSITIVE_INFINITY, refusal: null };
  track.stop.abort(new Error('the file is begun again'));
  await flow.flights.othersEnded(part);
  await change();
  track.stop = new AbortController();
  track.rest = NO_REST;
}
