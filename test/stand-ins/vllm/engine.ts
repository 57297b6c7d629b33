// The engine process of the stand-in: prints the load phases, then makes tokens. Its title is the one of vLLM's, so
// that it can be found and killed the same way.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { START_FAILURES, traceback } from './failures.ts';
import { print, printPlain, record } from './log.ts';
import { CacheError, checkWeights } from './model-cache.ts';
import type { EngineOptions, FromEngine, ToEngine } from './protocol.ts';
import { startSteps } from './start-log.ts';

const LEAK_INTERVAL_MS = 100;

process.title = 'VLLM::EngineCore';
process.on('disconnect', () => process.exit(0));

const send = (message: FromEngine): void => {
  process.send?.(message);
};

/** Prints the cause as vLLM does, every line at ERROR level, and dies with code 1. */
function failStart(error: string): never {
  print(
    'EngineCore',
    record('core.py:1509', `EngineCore failed to start.\n${traceback('v1/engine/core.py', error)}`, 'ERROR'),
  );
  printPlain('EngineCore', `Process EngineCore:\n${traceback('v1/engine/core.py', error)}`);
  process.exit(1);
}

async function load(options: EngineOptions): Promise<void> {
  const { facts, fittingTokens } = options;
  const { model, maxModelLen } = facts;
  const failure = START_FAILURES[options.fail]?.({ model, maxModelLen, fittingTokens });
  let passed = 0;
  for (const step of startSteps(facts)) {
    if (failure?.stage === 'engine' && passed + step.share > failure.after) failStart(failure.error);
    await delay(facts.loadMs * step.share);
    passed += step.share;
    if (step.bar !== undefined) {
      if (options.checkWeights) checkWeights(facts.modelPath, facts.model);
      process.stderr.write(step.bar);
    }
    for (const entry of step.records) print('EngineCore', entry);
  }
  if (!facts.eager) {
    mkdirSync(facts.compileCache, { recursive: true });
    writeFileSync(join(facts.compileCache, 'computation_graph.py'), '# compiled\n');
  }
}

function leak(bytesPerSecond: number, kept: Buffer[]): void {
  if (bytesPerSecond <= 0) return;
  setInterval(() => {
    // Filled, because untouched pages take no memory.
    kept.push(Buffer.alloc(Math.ceil((bytesPerSecond * LEAK_INTERVAL_MS) / 1000), 1));
  }, LEAK_INTERVAL_MS);
}

function generate(aborted: Set<number>): (message: Extract<ToEngine, { type: 'generate' }>) => Promise<void> {
  return async ({ id, tokens, delayMs }) => {
    for (let index = 0; index < tokens && !aborted.has(id); index += 1) {
      await delay(delayMs);
      send({ type: 'token', id, index });
    }
    aborted.delete(id);
    send({ type: 'finished', id });
  };
}

async function run(options: EngineOptions): Promise<void> {
  await load(options);
  const aborted = new Set<number>();
  const start = generate(aborted);
  process.on('message', (message: ToEngine) => {
    if (message.type === 'generate') void start(message);
    else if (message.type === 'abort') aborted.add(message.id);
    else if (message.type === 'leak') leak(message.bytesPerSecond, []);
    else {
      print(
        'EngineCore',
        record(
          'core.py:1667',
          '[shutdown] EngineCore: request processing complete; starting resource teardown',
        ),
      );
      process.exit(0);
    }
  });
  leak(options.leakBytesPerSecond, []);
  send({ type: 'ready' });
}

run(JSON.parse(process.argv[2] ?? '{}') as EngineOptions).catch((error: unknown) => {
  failStart(error instanceof CacheError ? error.message : String(error));
});
