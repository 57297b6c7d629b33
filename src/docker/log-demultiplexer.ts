/** A piece of a container's output: all or a part of one frame. */
export interface LogPiece {
  stream: 'stdout' | 'stderr';
  bytes: Uint8Array;
  /** True for the first piece of a frame, which is one message of the container's log driver. */
  startsMessage: boolean;
}

/** Cuts the engine's log stream into pieces. */
export interface LogDemultiplexer {
  /** Takes the next bytes, which may end anywhere, and returns the pieces in them without copying. */
  push(chunk: Uint8Array): LogPiece[];
}

/** Header: stream number, three zero bytes, length of the payload as big-endian 32-bit number. */
const HEADER_LENGTH = 8;

/**
 * Makes a demultiplexer for containers without a terminal: frames of an eight-byte header and a payload
 * (Docker Engine API, "Attach to a container", stream format). A frame is passed on as it comes, so that its size costs no memory.
 */
export function createLogDemultiplexer(): LogDemultiplexer {
  const header = Buffer.alloc(HEADER_LENGTH);
  let headerFilled = 0;
  let payloadLeft = 0;
  let stream: LogPiece['stream'] = 'stdout';
  let startsMessage = false;
  return {
    push(chunk) {
      const pieces: LogPiece[] = [];
      let at = 0;
      while (at < chunk.length) {
        if (payloadLeft === 0) {
          const part = chunk.subarray(at, at + HEADER_LENGTH - headerFilled);
          header.set(part, headerFilled);
          headerFilled += part.length;
          at += part.length;
          if (headerFilled < HEADER_LENGTH) break;
          headerFilled = 0;
          // 3 is the engine's own error text in the middle of a stream
          stream = header[0] === 2 || header[0] === 3 ? 'stderr' : 'stdout';
          payloadLeft = header.readUInt32BE(4);
          startsMessage = true;
          continue;
        }
        const bytes = chunk.subarray(at, at + payloadLeft);
        pieces.push({ stream, bytes, startsMessage });
        startsMessage = false;
        payloadLeft -= bytes.length;
        at += bytes.length;
      }
      return pieces;
    },
  };
}

/** For containers with a terminal: the stream has no frames, and everything is standard output. */
export function createRawDemultiplexer(): LogDemultiplexer {
  return { push: (bytes) => (bytes.length === 0 ? [] : [{ stream: 'stdout', bytes, startsMessage: false }]) };
}
