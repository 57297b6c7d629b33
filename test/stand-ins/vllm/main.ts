// A stand-in for `vllm serve`: the same face, log, exit codes and signals, without a model. See ../README.md.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArguments, type ServeArguments } from './arguments.ts';
import { EngineClient } from './engine-client.ts';
import { ENGINE_INIT_FAILED, START_FAILURES, traceback } from './failures.ts';
import { type Knobs, readKnobs } from './knobs.ts';
import { print, printPlain } from './log.ts';
import { type CachedModel, CacheError, findModel } from './model-cache.ts';
import { makeServer, type ServerState } from './server.ts';
import { serveUntilEnd } from './shutdown.ts';
import { bannerRecords, type StartFacts, servingRecords } from './start-log.ts';

const VERSION = '0.32.0';
/** Where this container counts its starts; gone with the container. */
const STARTS_FILE = join(process.env['STAND_IN_STATE_DIR'] ?? '/var/lib/stand-in', 'starts');

/** Ends the API process as Python does: a traceback on standard error, then the code. */
function die(error: string, exitCode = 1): never {
  printPlain('APIServer', traceback('entrypoints/cli/serve.py', error));
  process.exit(exitCode);
}

function countStart(): number {
  const before = existsSync(STARTS_FILE) ? Number(readFileSync(STARTS_FILE, 'utf8')) : 0;
  mkdirSync(join(STARTS_FILE, '..'), { recursive: true });
  writeFileSync(STARTS_FILE, String(before + 1));
  return before + 1;
}

function hubDirectory(): string {
  const home = process.env['HF_HOME'] ?? join(process.env['HOME'] ?? '/root', '.cache', 'huggingface');
  return process.env['HF_HUB_CACHE'] ?? join(home, 'hub');
}

/** The model on disk, or a made-up one where nothing is to be checked. */
function locate(args: ServeArguments, knobs: Knobs): CachedModel {
  const offline = ['1', 'true', 'yes', 'on'].includes((process.env['HF_HUB_OFFLINE'] ?? '').toLowerCase());
  if (knobs.checkCache && (offline || args.model.startsWith('/')))
    return findModel(hubDirectory(), args.model);
  return {
    path: args.model,
    weightBytes: 0,
    shards: 1,
    maxPositionEmbeddings: null,
    architecture: 'LlamaForCausalLM',
  };
}

function startFacts(args: ServeArguments, knobs: Knobs, cached: CachedModel): StartFacts {
  const derived = cached.maxPositionEmbeddings ?? knobs.modelMaxLen;
  const auto = args.maxModelLen === -1;
  const asked = auto || args.maxModelLen === null ? derived : args.maxModelLen;
  if (asked > derived) {
    die(
      `pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, User-specified max_model_len (${asked}) is greater than the derived max_model_len (max_position_embeddings=${derived.toFixed(1)} or model_max_length=None in model's config.json).`,
    );
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([args.model, asked]))
    .digest('hex')
    .slice(0, 10);
  const compileCache = join(
    process.env['VLLM_CACHE_ROOT'] ?? join(process.env['HOME'] ?? '/root', '.cache', 'vllm'),
    'torch_compile_cache',
    hash,
  );
  return {
    version: VERSION,
    model: args.model,
    modelPath: cached.path,
    weightBytes: cached.weightBytes,
    shards: cached.shards,
    architecture: cached.architecture,
    maxModelLen: asked,
    derivedMaxModelLen: derived,
    auto,
    eager: args.eager,
    compiled: existsSync(compileCache),
    compileCache,
    loadMs: knobs.loadMs,
  };
}

/** Everything before the port opens. SIGTERM is ignored meanwhile, as with the real one. */
async function start(
  args: ServeArguments,
  knobs: Knobs,
): Promise<{ engine: EngineClient; facts: StartFacts }> {
  const starts = countStart();
  const fail = knobs.failStarts === 0 || starts <= knobs.failStarts ? knobs.fail : '';
  const { fittingTokens } = knobs;
  const failure = START_FAILURES[fail]?.({ model: args.model, maxModelLen: null, fittingTokens });
  if (fail !== '' && failure === undefined)
    die(`STAND_IN_FAIL=${fail}: known are ${Object.keys(START_FAILURES).join(', ')}`);
  if (failure?.stage === 'api') {
    await delay(knobs.loadMs * failure.after);
    die(failure.error, failure.exitCode);
  }
  let cached: CachedModel;
  try {
    cached = locate(args, knobs);
  } catch (error) {
    if (error instanceof CacheError) die(error.message);
    throw error;
  }
  const facts = startFacts(args, knobs, cached);
  for (const entry of bannerRecords(facts, args.given)) print('APIServer', entry);
  const engine = new EngineClient({
    facts,
    fail,
    fittingTokens,
    checkWeights: cached.path !== args.model,
    leakBytesPerSecond: knobs.leakBytesPerSecond,
  });
  await engine.ready.catch(() => die(ENGINE_INIT_FAILED));
  return { engine, facts };
}

async function main(): Promise<void> {
  const args = parseArguments(process.argv.slice(2));
  if ('usage' in args) {
    process.stderr.write(`${args.usage}\n`);
    process.exit(2);
  }
  const knobs = readKnobs(process.env);
  const onSignal = (): void => undefined;
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const { engine, facts } = await start(args, knobs);
  process.off('SIGTERM', onSignal);
  process.off('SIGINT', onSignal);

  const environmentKey = process.env['VLLM_API_KEY'];
  const state: ServerState = {
    engine,
    version: VERSION,
    served: args.servedModelNames,
    root: facts.modelPath,
    maxModelLen: facts.maxModelLen,
    apiKeys: args.apiKeys.length > 0 ? args.apiKeys : environmentKey ? [environmentKey] : [],
    accessLog: args.accessLog,
    tokenDelayMs: knobs.tokenDelayMs,
    noChatTemplate: knobs.noChatTemplate,
    wedged: false,
    onEngineDead: () => undefined,
    control: (words) => control(state, words),
  };
  const server = makeServer(state);
  for (const entry of servingRecords(args.host, args.port)) print('APIServer', entry);
  server.on('error', (error: NodeJS.ErrnoException) => {
    die(error.code === 'EADDRINUSE' ? 'OSError: [Errno 98] Address already in use' : String(error));
  });
  server.listen(args.port, args.host, () => {
    for (const line of [
      `Started server process [${process.pid}]`,
      'Waiting for application startup.',
      'Application startup complete.',
    ]) {
      printPlain('APIServer', `INFO:     ${line}`);
    }
  });
  if (knobs.crashAfterMs !== null) setTimeout(() => engine.signal('SIGKILL'), knobs.crashAfterMs);
  if (knobs.hangAfterMs !== null) setTimeout(() => engine.signal('SIGSTOP'), knobs.hangAfterMs);
  process.exit(await serveUntilEnd(server, state, args.shutdownTimeoutSeconds));
}

/** `POST /stand-in/<word>[/<argument>]`: faults on demand. */
function control(state: ServerState, [word, argument]: readonly string[]): boolean {
  switch (word) {
    case 'crash-engine':
      state.engine.signal('SIGKILL');
      return true;
    case 'hang':
      state.engine.signal('SIGSTOP');
      return true;
    case 'resume':
      state.engine.signal('SIGCONT');
      return true;
    case 'wedge':
      state.engine.signal('SIGSTOP');
      state.wedged = true;
      return true;
    case 'leak':
      state.engine.leak(Number(argument));
      return true;
    case 'token-delay':
      state.tokenDelayMs = Number(argument);
      return true;
    case 'no-chat-template':
      state.noChatTemplate = true;
      return true;
    case 'exit':
      setImmediate(() => process.exit(Number(argument)));
      return true;
    default:
      return false;
  }
}

await main();
