import { describe, expect, it } from 'vitest';
import { createDiagnoser, diagnose } from '../../../src/diagnosis/diagnose.ts';
import type { Ending, Evidence } from '../../../src/diagnosis/types.ts';
import { readCorpus } from '../../support/corpus.ts';

const CORPUS = new Map(readCorpus().map((log) => [log.name, log.text.split('\n')]));

function corpus(name: string): string[] {
  const lines = CORPUS.get(name);
  if (lines === undefined) throw new Error(`test/corpus has no ${name}`);
  return lines;
}

function explain(log: readonly string[], more: Partial<Evidence> = {}) {
  return diagnose({ log, exitCode: null, oomKilled: false, engineError: null, ...more });
}

const OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.';

describe('what counts as the cause', () => {
  it('is the first real error of the engine, not the last line', () => {
    const diagnosis = explain([
      `(EngineCore_DP0 pid=7) ERROR 03-14 09:11:02 [core.py:708] ${OOM}`,
      '(EngineCore_DP0 pid=7) ERROR 03-14 09:11:03 [core.py:708] RuntimeError: NCCL error: unhandled system error',
      '(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.',
    ]);
    expect(diagnosis).toMatchObject({ code: 'gpu_out_of_memory', signature: 'cuda_oom', line: OOM });
  });

  it('is never the report of another failure while anything else is known', () => {
    const report = 'vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.';
    expect(explain([report])?.signature).toBe('engine_dead');
    expect(explain([report, `ERROR 03-14 09:11:02 [core.py:708] ${OOM}`])?.signature).toBe('cuda_oom');
  });

  it('is not a source line that raises, whose frame was wrapped or cut off', () => {
    const diagnosis = explain([
      'line 9, in fetch',
      '    raise HfHubHTTPError(str(e), response=response) from e',
      'huggingface_hub.errors.HfHubHTTPError: 403 Client Error: Forbidden for url: https://huggingface.co/api/models/acme/closed',
    ]);
    expect(diagnosis?.code).toBe('model_gated');
  });

  it('is what the hub says below an empty line of the same error', () => {
    const error = ['RepositoryNotFoundError: 401 Client Error. (Request ID: Root=1-2;3)', ''];
    const url = 'Repository Not Found for url: https://huggingface.co/api/models/acme/name.';
    expect(explain([...error, url])).toMatchObject({ code: 'model_not_found' });
    const refused = 'Invalid credentials in Authorization header';
    expect(explain([...error, url, refused])).toMatchObject({ code: 'token_invalid' });
    // It says this to somebody without a token as well, of a name that it does not know.
    const unknown = 'Invalid username or password.';
    expect(explain([...error, url, unknown])).toMatchObject({ code: 'model_not_found' });
    expect(explain([`401 Client Error: Unauthorized. ${unknown}`])).toMatchObject({ code: 'token_invalid' });
  });

  it('is told by where an error without words was raised', () => {
    const raised = (file: string, place: string, error: string) =>
      explain(['Traceback (most recent call last):', `  File "/opt/${file}", line 9, in ${place}`, error])
        ?.code;
    const prompt = 'EOFError: EOF when reading a line';
    const asked = raised('transformers/dynamic_module_utils.py', 'resolve_trust_remote_code', prompt);
    expect(asked).toBe('remote_code_refused');
    expect(raised('tool.py', 'ask', prompt)).not.toBe('remote_code_refused');
    expect(raised('vllm/shm_broadcast.py', 'acquire_read', 'TimeoutError')).toBe('engine_timeout');
    expect(raised('tool.py', 'wait', 'TimeoutError')).not.toBe('engine_timeout');
    const old = [
      'Traceback (most recent call last):',
      '  File "/opt/vllm/flash_attn.py", line 9, in __init__',
      '    assert is_fa_version_supported(self.fa_version)',
      'AssertionError',
      'Killed',
    ];
    expect(explain(old)?.code).toBe('gpu_too_old');
  });

  it('is what a panic of Rust says below the place of it', () => {
    const place = "thread 'main' panicked at src/fetch.rs:1:2:";
    expect(explain([place, 'fetching: Status(429, Too Many Requests)'])?.code).toBe('hub_rate_limited');
    expect(explain([place, 'something that nobody has seen'])?.code).toBe('installation_broken');
  });

  it('is what a message says in any of its lines, not the frame that pydantic puts around it', () => {
    const frame = 'pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig';
    const wrapped = [
      '  Value error, The checkpoint has model type',
      '  `acme` but Transformers does not recognize this architecture.',
    ];
    expect(explain([frame, ...wrapped])?.code).toBe('architecture_unsupported');
    expect(explain([frame, '  Value error, no.'])).toMatchObject({ signature: 'settings_conflict' });
  });

  it('is the words of an error also where its name is not printed', () => {
    expect(explain(["ERROR 12-09 00:49:29 engine.py:366] 'layers.0.mlp.weight.absmax'"])?.code).toBe(
      'weights_mismatch',
    );
  });

  it('may be carried by the report itself', () => {
    const line = `ERROR 09-27 05:20:38 multiproc_worker_utils.py:233] Exception in worker VllmWorkerProcess while processing method load_model: CUDA out of memory. Tried to allocate 19.63 GiB.`;
    expect(explain([line])?.signature).toBe('cuda_oom');
  });

  it('is never an INFO line, whatever it says', () => {
    expect(
      explain([`INFO 03-14 09:11:02 [core.py:708] ${OOM}`, `DEBUG 03-14 09:11:02 [x.py:1] ${OOM}`]),
    ).toBe(null);
  });

  it('is no warning, unless it names what was given up in the end', () => {
    expect(explain([`WARNING 03-14 09:11:02 [core.py:708] ${OOM}`])).toBe(null);
  });

  it('is the best line of the traceback where nothing is known', () => {
    const diagnosis = explain([
      'Traceback (most recent call last):',
      '  File "/app/a.py", line 3, in load',
      "    table['x']",
      "KeyError: 'x'",
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "/app/a.py", line 5, in load',
      '    raise Odd("the table of colours is empty")',
      'app.OddError: the table of colours is empty',
    ]);
    expect(diagnosis).toMatchObject({
      code: 'unknown_failure',
      signature: null,
      line: 'app.OddError: the table of colours is empty',
    });
  });

  it('is the evidence of the hardware, wherever it stands', () => {
    const xid = '[12345.678901] NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.';
    const fault = 'torch.AcceleratorError: CUDA error: unspecified launch failure';
    expect(explain([fault, xid])?.code).toBe('gpu_lost');
    expect(explain([xid, fault])?.code).toBe('gpu_lost');
  });

  it('comes with the figures that a heal needs', () => {
    const diagnosis = explain(corpus('vllm/kv-small-112'));
    expect(diagnosis?.values).toMatchObject({ estimated_max_model_len: '74128', max_model_len: '131072' });
    expect(diagnosis?.remedy).toContain('--max-model-len 74128');
  });

  it('is found in a message that a terminal has cut inside of a word', () => {
    const lines = [
      'ValueError: Free memory on device (1.02/23.68 GiB) on start',
      'up is less than desired GPU memory utilization (0.9, 21.31 GiB).',
    ];
    expect(explain(lines)?.signature).toBe('gpu_busy');
  });
});

describe('what is no failure', () => {
  it("is what the hub's client cannot keep and does without", () => {
    const line =
      "Could not cache non-existence of file. Will ignore error and continue. Error: [Errno 13] Permission denied: '/root/.cache/huggingface/hub/models--acme--tiny/.no_exist/1/added_tokens.json'";
    expect(explain([line])).toBeNull();
    expect(explain([line], { exitCode: 1 })).toMatchObject({ code: 'model_cache_not_writable' });
  });

  it('is a container that answers, whatever its log says', () => {
    expect(explain([OOM], { answers: true, exitCode: 1 })).toBe(null);
  });

  it('is an error that stands before a step that succeeded', () => {
    const error =
      '(EngineCore pid=7) ERROR 03-14 09:11:02 [weight_utils.py:1] OSError: [Errno 28] No space left on device';
    const step =
      '(EngineCore pid=7) INFO 03-14 09:11:09 [default_loader.py:1] Loading weights took 3.21 seconds';
    expect(explain([error, step])).toBe(null);
    expect(explain([step, error])?.code).toBe('disk_full');
    expect(explain([error, step.replace('EngineCore', 'OtherProcess')])?.code).toBe('disk_full');
  });

  it('is what was tried again or done without, where something else is known', () => {
    const later = 'ERROR 03-14 09:12:02 [core.py:708] ValueError: No available memory for the cache blocks.';
    const retried =
      'ERROR 03-14 09:11:02 [repo_utils.py:47] Error retrieving file list: Max retries exceeded with url: /api, retrying 1 of 2';
    expect(explain([retried, later])?.code).toBe('gpu_too_small');
    expect(explain([retried], { exitCode: 1 })?.code).toBe('hub_unreachable');
    const plugin = [
      'ERROR 03-14 09:11:02 [__init__.py:44] Failed to load plugin colours',
      'ERROR 03-14 09:11:02 [__init__.py:44] Traceback (most recent call last):',
      'ERROR 03-14 09:11:02 [__init__.py:44]   File "/x/vllm/plugins/__init__.py", line 40, in load',
      "ERROR 03-14 09:11:02 [__init__.py:44] ModuleNotFoundError: No module named 'colours'",
    ];
    expect(explain([...plugin, later])?.code).toBe('gpu_too_small');
  });

  it('is an error of a request in a service that goes on', () => {
    const served = 'INFO:     10.0.0.9:1234 - "POST /v1/chat/completions HTTP/1.1" 200 OK';
    const error = `ERROR 03-14 09:11:02 [serving_chat.py:1] ${OOM}`;
    expect(explain([served, error, served])).toBe(null);
  });

  it('is what a parser of answers could not read, in whatever folder the parser lies', () => {
    const ofParser = (place: string) =>
      explain([
        'Traceback (most recent call last):',
        `  File "/opt/acme_tool_parser.py", line 9, in ${place}`,
        "AttributeError: 'NoneType' object has no attribute 'get'",
      ]);
    expect(ofParser('extract_tool_calls_streaming')).toBeNull();
    expect(ofParser('__init__')?.code).toBe('unknown_failure');
  });

  it('is a stop in good order, also when something complains behind it', () => {
    const log = [
      ...corpus('healthy/stopped'),
      'ConnectionResetError: [Errno 104] Connection reset by peer',
      OOM,
    ];
    expect(explain(log, { exitCode: 0 })).toBe(null);
    expect(explain(log, { exitCode: 143 })).toBe(null);
  });

  it('an orderly end with code 0 after the death of an idle engine is named, though nothing calls it an error', () => {
    const log = [
      '(APIServer pid=1) INFO:     Application startup complete.',
      '(APIServer pid=1) WARNING 11-28 04:00:00 [core_client.py:818] [shutdown] MPClient: engine core exited unexpectedly; starting cleanup',
      '(APIServer pid=1) INFO:     Shutting down',
      '(APIServer pid=1) INFO:     Finished server process [1]',
    ];
    expect(explain(log, { exitCode: 0 })?.code).toBe('engine_dead');
    expect(explain(log.toSpliced(1, 1), { exitCode: 0 })).toBe(null);
  });
});

describe('a log with several starts', () => {
  const failed = corpus('vllm/gpu-busy-92');
  const healthy = corpus('healthy/plain-112');
  const starting = corpus('healthy/still-starting');

  it('is told by its last start', () => {
    expect(explain([...failed, ...healthy])).toBe(null);
    expect(explain([...healthy, ...failed])?.code).toBe('gpu_memory_busy');
  });

  it('is told by the journal as JSON, also where a message is the list of its bytes', () => {
    const entry = (container: string, message: string) =>
      JSON.stringify({ PRIORITY: '3', CONTAINER_NAME: container, MESSAGE: [...Buffer.from(message)] });
    expect(
      explain([
        entry('ai-sandbox-ui', '\u001b[32mINFO\u001b[0m:     Application startup complete.'),
        entry('ai-sandbox-api', `\u001b[31mERROR 03-14 09:11:02 [core.py:708]\u001b[0m ${OOM}`),
        entry('ai-sandbox-ui', 'INFO:     127.0.0.1:53022 - "GET /health HTTP/1.1" 200 OK'),
      ]),
    ).toMatchObject({ code: 'gpu_out_of_memory', line: OOM });
  });

  it('is told by the start before, while the last one is under way', () => {
    expect(explain([...failed, ...starting])?.code).toBe('gpu_memory_busy');
  });
});

describe('the remedy', () => {
  it.each([
    [
      'ValueError: Free memory on device cuda:0 (13.58/15.99 GiB) on startup is less than desired GPU memory utilization (0.9, 14.39 GiB).',
      '--gpu-memory-utilization 0.84',
    ],
    [
      'ValueError: Total number of attention heads (40) must be divisible by tensor parallel size (3).',
      '--tensor-parallel-size 2',
    ],
    [
      'ValueError: max_num_batched_tokens (2048) is smaller than max_model_len (40960). This limits',
      '--max-num-batched-tokens 40960',
    ],
    ['vllm serve: error: unrecognized arguments: --enable-reasoning', 'Remove --enable-reasoning'],
    ['ValueError: LoRA rank 64 is greater than max_lora_rank 16.', '--max-lora-rank 64'],
    [
      "ERROR: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
      'sport = :8000',
    ],
    ['Error response from daemon: Bind for 0.0.0.0:3000 failed: port is already allocated', 'sport = :3000'],
  ])('of %s says %s', (line, remedy) => {
    expect(explain([line], { exitCode: 1 })?.remedy).toContain(remedy);
  });
});

describe('a log of several containers', () => {
  it('has the cause of the one that failed', () => {
    const merged = corpus('vllm/oom-load-9').flatMap((line, at) => [
      `api-1  | ${line}`,
      `ui-1   | INFO:     172.18.0.1:${at} - "GET /health HTTP/1.1" 200 OK`,
    ]);
    expect(explain(merged)?.code).toBe('gpu_out_of_memory');
  });
});

describe('the way it ended', () => {
  const QUIET = ['INFO 03-14 09:11:20 [core.py:70] Initializing a V1 LLM engine (v0.11.2)'];
  it.each<[string, Partial<Ending>, string | null]>([
    ['a memory limit', { exitCode: 137, oomKilled: true }, 'out_of_memory'],
    ['a memory limit of a worker, exit code 0', { exitCode: 0, oomKilled: true }, 'out_of_memory'],
    ['SIGKILL', { exitCode: 137 }, 'process_killed'],
    ['SIGSEGV', { exitCode: 139 }, 'process_crashed'],
    ['an unknown instruction', { exitCode: 132 }, 'cpu_unsupported'],
    ['a command that is not there', { exitCode: 127 }, 'command_not_found'],
    ['exit code 0', { exitCode: 0 }, null],
    ['exit code 1', { exitCode: 1 }, 'unknown_failure'],
  ])('tells %s where the log is silent', (_name, ending, code) => {
    expect(explain(QUIET, ending)?.code ?? null).toBe(code);
    expect(explain([], ending)?.code ?? null).toBe(code);
  });

  it('does not outdo an error of the log', () => {
    expect(explain([OOM], { exitCode: 137, oomKilled: true })?.code).toBe('gpu_out_of_memory');
  });

  it('is explained by the words of the engine', () => {
    const engineError =
      'could not select device driver "" with capabilities: [[gpu]]: unknown: Error response from daemon';
    expect(explain([], { exitCode: 128, engineError })?.code).toBe('gpu_missing');
  });
});

describe('the diagnoser of a stream', () => {
  it('tells the same as the function, and may be asked in between', () => {
    const diagnoser = createDiagnoser();
    const ending = { exitCode: 1, oomKilled: false, engineError: null };
    const lines = corpus('vllm/kv-none-92');
    for (const line of lines) diagnoser.push(line);
    expect(diagnoser.finish(ending)).toEqual(explain(lines, ending));
    expect(diagnoser.finish(ending)).toEqual(explain(lines, ending));
  });
});
