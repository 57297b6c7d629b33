import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { print, record } from './log.ts';
import type { EngineOptions, FromEngine, ToEngine } from './protocol.ts';

/** Thrown to requests when the engine process is gone. */
export class EngineDeadError extends Error {
  constructor() {
    super('EngineCore encountered an issue. See stack trace (above) for the root cause.');
  }
}

interface Waiting {
  onToken(index: number): void;
  onEnd(error: Error | null): void;
}

/** The engine process as the API process sees it. */
export class EngineClient {
  readonly #child: ChildProcess;
  readonly #running = new Map<number, Waiting>();
  #next = 1;
  #stopping = false;
  #dead = false;
  #started = false;
  /** Settles when the engine is up; rejects with its exit code in the message when it dies before. */
  readonly ready: Promise<void>;

  constructor(options: EngineOptions) {
    const child = fork(fileURLToPath(new URL('./engine.ts', import.meta.url)), [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (message: FromEngine) => {
        if (message.type === 'ready') {
          this.#started = true;
          resolve();
        } else this.#receive(message);
      });
      child.on('exit', (code, signal) => {
        reject(new Error(`engine exited with ${code ?? signal}`));
        this.#die();
      });
    });
  }

  get dead(): boolean {
    return this.#dead;
  }

  get runningRequests(): number {
    return this.#running.size;
  }

  /** Makes `tokens` tokens; calls `onToken` for each. Rejects with {@link EngineDeadError} when the engine dies. */
  generate(
    tokens: number,
    delayMs: number,
    onToken: (index: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#dead) return Promise.reject(new EngineDeadError());
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#running.set(id, { onToken, onEnd: (error) => (error === null ? resolve() : reject(error)) });
      signal.addEventListener('abort', () => this.#abort(id), { once: true });
      this.#send({ type: 'generate', id, tokens, delayMs });
    });
  }

  leak(bytesPerSecond: number): void {
    this.#send({ type: 'leak', bytesPerSecond });
  }

  /** SIGSTOP freezes it where it stands, SIGKILL is a crash. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the engine: asks, then kills after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#dead) return;
    this.#stopping = true;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#send({ type: 'shutdown' });
    const timer = setTimeout(() => {
      print(
        'APIServer',
        record(
          'utils.py:654',
          `[shutdown] Process manager: force killing remaining process EngineCore pid ${this.#child.pid}`,
          'WARNING',
        ),
      );
      this.#child.kill('SIGKILL');
    }, graceMs);
    await gone;
    clearTimeout(timer);
  }

  #send(message: ToEngine): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #abort(id: number): void {
    const waiting = this.#running.get(id);
    this.#running.delete(id);
    this.#send({ type: 'abort', id });
    waiting?.onEnd(null);
  }

  #receive(message: Exclude<FromEngine, { type: 'ready' }>): void {
    const waiting = this.#running.get(message.id);
    if (message.type === 'token') waiting?.onToken(message.index);
    else if (this.#running.delete(message.id)) waiting?.onEnd(null);
  }

  #die(): void {
    this.#dead = true;
    if (this.#stopping || !this.#started) return;
    print(
      'APIServer',
      record(
        'core_client.py:818',
        '[shutdown] MPClient: engine core exited unexpectedly; starting cleanup',
        'WARNING',
      ),
    );
    for (const waiting of this.#running.values()) waiting.onEnd(new EngineDeadError());
    this.#running.clear();
  }
}
