/**
 * What a line tells about the life of a program, beside errors. The wordings are those of vLLM 0.4 to 0.32, uvicorn and
 * Open WebUI 0.3 to 0.12 (facts of each version: their sources).
 */
export type Milestone = 'start' | 'progress' | 'ready' | 'shutdown' | 'death';

/** A new run begins: what stands before is of the run before. */
const START =
  /vLLM (?:API )?server version \S+|^[\s▀▄█]{12,}version \d|^non-default args: \{|^Starting API server\.\.\.$|^[Aa]rgs: Namespace\(/;

/** Answers to requests, and the sentence that the server listens. */
const READY =
  /^Application startup complete|^Uvicorn running on|^Starting vLLM (?:API )?server(?: \S+)? on |Avg prompt throughput: |^Scheduler worker started|" 200(?: OK)?$|HTTP\/1\.[01]" 2\d\d\b/;

/** Steps of a start: an error that stands before one of the same process was handled. */
const PROGRESS =
  /^(?:Loading weights took|Model loading took|Loading model weights took|Memory profiling (?:takes|results)|Available KV cache memory|GPU KV cache size|CPU KV cache size|# (?:GPU|CPU|cuda|cpu) blocks|Maximum concurrency for|Graph capturing finished|Capturing (?:the model|cudagraphs)|init engine|torch\.compile (?:takes|took)|Starting to load model)/;

/** The program ends in order, because somebody wants it to or because its engine is gone. */
const SHUTDOWN =
  /^(?:Shutting down(?:$| FastAPI HTTP server)|Waiting for application shutdown|Application shutdown complete|Finished server process|Gracefully stopping|Got shutdown signal|Received (?:signal|SIG)|SIGTERM received|SIGINT received|KeyboardInterrupt received)|shutdown triggered|trigger received signal=SIG|^KeyboardInterrupt(?::|$)|^Terminating due to|^Stopping reloader|^\^C/;

/** The part that computes is gone, whatever the reason. */
const DEATH =
  /EngineDeadError|engine core exited unexpectedly|died unexpectedly|EngineCore (?:encountered|hit) (?:a fatal|an) |EngineCore failed to start|Engine core initialization failed|Background loop has errored|Engine background task failed|Engine loop (?:has died|is dead)|MQLLMEngine (?:is (?:already )?dead|process)|Engine process (?:failed|\(pid \d+\) died|died)|got fatal signal from worker processes|WorkerProc (?:hit an exception|failed to start|initialization failed)|worker died|Worker \S+ pid \d+ died|^Fatal Python error|core dumped|^terminate called|^Segmentation fault|^\S+: line \d+: +\d+ (?:Killed|Aborted|Segmentation fault|Bus error)\b|Process group watchdog thread terminated|^Application startup failed|error while attempting to bind on address/;

/** All that an INFO line can be, in one pass over it; of the others DEATH alone has so many beginnings that one pass is slower. */
const ANY_OF_INFO = new RegExp([SHUTDOWN, READY, PROGRESS, START].map(({ source }) => source).join('|'));

/** What a message of this level tells; null for most lines. */
export function findMilestone(level: 'info' | 'other', text: string): Milestone | null {
  if (level === 'info' && !ANY_OF_INFO.test(text)) return null;
  if (SHUTDOWN.test(text)) return 'shutdown';
  if (level === 'info') {
    if (READY.test(text)) return 'ready';
    if (PROGRESS.test(text)) return 'progress';
    if (START.test(text)) return 'start';
    return null;
  }
  if (DEATH.test(text)) return 'death';
  return READY.test(text) ? 'ready' : null;
}
