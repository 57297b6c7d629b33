/**
 * A container's log as the engine sends it: frames of an eight-byte header, a timestamp and a message, standard output and
 * standard error interleaved, with the lines of a serving vLLM, tracebacks that were handled, long lines, wide characters and
 * progress bars whose states end with carriage returns. Every line carries its number, so that a wrong cut is seen.
 */

/** Messages repeat with this period. */
export const MESSAGES_PER_PERIOD = 10;
const KINDS = MESSAGES_PER_PERIOD;
/** States of one progress bar. */
const BAR_STATES = 5;
/** Length of a long line: several frames of the engine's 16 KiB would be as long, but no log is full of them. */
const LONG_LENGTH = 2_000;
/** Lines of that many messages. */
export const LINES_PER_PERIOD = KINDS - 1 + BAR_STATES;

/** The lines of the message with this number, as they should be seen. */
export function linesOf(index: number): string[] {
  const number = String(index).padStart(9, '0');
  const record = `(EngineCore pid=77) INFO 11-23 17:44:26 [loggers.py:248]`;
  switch (index % KINDS) {
    case 0:
      return [
        `${record} Engine 000: Avg prompt throughput: 5.0 tokens/s, Running: 3 reqs, GPU KV cache usage: 1.2% #${number}`,
      ];
    case 1:
      return [
        `(APIServer pid=1) INFO:     172.18.0.1:54312 - "POST /v1/chat/completions HTTP/1.1" 200 OK #${number}`,
      ];
    case 2:
      return Array.from(
        { length: BAR_STATES },
        (_, state) =>
          `Loading safetensors checkpoint shards: ${state * 25}% Completed | ${state}/4 #${number}.${state}`,
      );
    case 3:
      return [
        `(EngineCore pid=77) ERROR 11-23 17:44:26 [core.py:1] Überlänge 中文 🚀 ${'é'.repeat(20)} #${number}`,
      ];
    case 4:
      return [`${record} ${'x'.repeat(LONG_LENGTH)} #${number}`];
    case 5:
      return [`Traceback (most recent call last): #${number}`];
    case 6:
      return [`  File "/usr/lib/python3.12/asyncio/base_events.py", line 720, in run #${number}`];
    case 7:
      return [
        `(APIServer pid=1) WARNING 11-23 17:44:26 [launcher.py:12] a warning without meaning #${number}`,
      ];
    case 8:
      // The end of a handled traceback, as clients that go away leave it: once in a hundred messages.
      return index % (10 * KINDS) === 8
        ? [`asyncio.exceptions.CancelledError: #${number}`]
        : [`(APIServer pid=1) INFO 11-23 17:44:26 [logger.py:41] Received request chatcmpl-1 #${number}`];
    default:
      return [`{"level":"INFO","message":"json","number":"#${number}"}`];
  }
}

/** The stream of the message with this number. */
export function streamOf(index: number): 'stdout' | 'stderr' {
  return index % 3 === 0 ? 'stderr' : 'stdout';
}

/** The frame of the message with this number. */
export function frameOf(index: number): Buffer {
  const text = linesOf(index).join('\r');
  const payload = Buffer.from(`2026-11-23T17:44:26.${String(index % 1e9).padStart(9, '0')}Z ${text}\n`);
  const header = Buffer.alloc(8);
  header[0] = streamOf(index) === 'stderr' ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}
