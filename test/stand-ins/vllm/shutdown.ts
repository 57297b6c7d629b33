import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { print, printPlain, record } from './log.ts';
import type { ServerState } from './server.ts';

/** vLLM looks for a dead engine this often, in milliseconds (VLLM_WATCHDOG_TIME_S). */
const WATCHDOG_MS = 5000;
/** From a request that finds the engine dead to the exit, in milliseconds: measured 1 to 2 s with the real one. */
const DEAD_EXIT_MS = 1000;
/** How long the engine may take to end before it is killed, in milliseconds. */
const ENGINE_GRACE_MS = 400;

/**
 * Serves until something ends it and returns the exit code, which is 0 in all cases vLLM survives to return one:
 * a dead engine (the well-known exit 0 after a crash) and SIGTERM. Requests in flight may end within
 * `--shutdown-timeout`; after that their engine is gone and their connections stay open, so that SIGTERM never ends
 * until the clients give up. A wedged server ignores it.
 */
export async function serveUntilEnd(
  server: Server,
  state: ServerState,
  shutdownTimeoutSeconds: number,
): Promise<number> {
  const cause = await new Promise<'dead' | 'signal'>((resolve) => {
    setInterval(() => {
      if (state.engine.dead) resolve('dead');
    }, WATCHDOG_MS);
    state.onEngineDead = () => {
      setTimeout(() => resolve('dead'), DEAD_EXIT_MS);
    };
    const onSignal = (): void => {
      if (!state.wedged) resolve('signal');
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  if (cause === 'signal') await stopOnSignal(server, state, shutdownTimeoutSeconds);
  else server.close();
  for (const line of [
    'Shutting down',
    'Waiting for application shutdown.',
    'Application shutdown complete.',
    `Finished server process [${process.pid}]`,
  ]) {
    printPlain('APIServer', `INFO:     ${line}`);
  }
  return 0;
}

async function stopOnSignal(server: Server, state: ServerState, timeoutSeconds: number): Promise<void> {
  const say = (text: string): void =>
    print('APIServer', record('launcher.py:254', `[shutdown] API server: ${text}`));
  say('shutdown triggered');
  say(`stopping engine client mode=${timeoutSeconds === 0 ? 'abort' : 'drain'} timeout=${timeoutSeconds}s`);
  const deadline = Date.now() + timeoutSeconds * 1000;
  while (state.engine.runningRequests > 0 && Date.now() < deadline) await delay(50);
  await state.engine.stop(ENGINE_GRACE_MS);
  say('engine client stopped');
  say('signalling HTTP server shutdown');
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  if (state.engine.runningRequests > 0) {
    printPlain('APIServer', 'INFO:     Waiting for connections to close. (CTRL+C to force quit)');
  }
  await closed;
}
