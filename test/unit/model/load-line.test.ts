import { describe, expect, test } from 'vitest';
import { createLineSplitter } from '../../../src/lib/lines.ts';
import { readLoadLine } from '../../../src/model/load-line.ts';

const bar = '|███▎      |';

describe('a line of vLLM tells its phase', () => {
  test.each([
    ['vLLM server version 0.32.0, serving model org/name', 'config'],
    ['vLLM API server version 0.6.3', 'config'],
    ['Resolved architecture: MistralForCausalLM', 'config'],
    ['Initializing an LLM engine (v0.5.4) with config: model=x', 'config'],
    ['Starting to load model org/name...', 'load weights'],
    ['Time spent downloading weights for org/name: 12.345678 seconds', 'load weights'],
    ['Model loading took 13.5 GiB memory and 54.145678 seconds', 'compile'],
    ['Model loading took 13.4967 GB and 54.145678 seconds', 'compile'],
    ['Warming up model for the compilation...', 'compile'],
    [
      "Using cache directory: /root/.cache/vllm/torch_compile_cache/1a2b/rank_0_0 for vLLM's torch.compile",
      'compile',
    ],
    ['Dynamo bytecode transform time: 8.51 s', 'compile'],
    ['torch.compile took 30.12 s in total', 'memory profiling'],
    ['torch.compile takes 30.12 s in total', 'memory profiling'],
    ['Warming up done.', 'memory profiling'],
    ['Memory profiling takes 3.86 seconds', 'memory profiling'],
    ['Available KV cache memory: 4.32 GiB', 'memory profiling'],
    [
      'GPU KV cache size: 45,056 tokens, Maximum concurrency for 32,768 tokens per request: 1.37x',
      'memory profiling',
    ],
    ['CPU KV cache size: 45,056 tokens', 'memory profiling'],
    ['# GPU blocks: 2048, # CPU blocks: 512', 'memory profiling'],
    ['# cuda blocks: 2048, # CPU blocks: 512', 'memory profiling'],
    ['Estimated CUDA graph memory: 0.52 GiB total', 'memory profiling'],
    ['Capturing the model for CUDA graphs. This may lead to unexpected consequences', 'graphs'],
    ['Graph capturing finished in 12 secs, took 0.53 GiB', 'graphs'],
    ['init engine (profile, create kv cache, warmup model) took 61.07 seconds', 'serving'],
    ['Starting vLLM API server 0 on http://0.0.0.0:8000', 'serving'],
    ['Starting vLLM server on http://0.0.0.0:8000', 'serving'],
    ['INFO:     Application startup complete.', 'serving'],
  ])('%s', (text, phase) => {
    for (const line of [
      text,
      `INFO 11-23 17:44:26 [core.py:134] ${text}`,
      `INFO 11-23 17:44:26 core.py:134] ${text}`,
      `(EngineCore_DP0 pid=123) INFO 11-23 17:44:26 [core.py:134] ${text}`,
      `(VllmWorker rank=0 pid=77) INFO 11-23 17:44:26 [core.py:134] ${text}`,
      `\u001b[1;36m(EngineCore pid=9)\u001b[0;0m ${text}`,
      `{"level":"INFO","message":"${text}"}`,
    ]) {
      expect(readLoadLine(line)?.phase, line).toBe(phase);
    }
  });

  test.each([
    'GET /health HTTP/1.1" 200 OK',
    '(APIServer pid=1) INFO:     127.0.0.1:53022 - "GET /v1/models HTTP/1.1" 200 OK',
    'Triton is not installed or not compatible, certain GPU-related functions will not be available.',
    'Engine 000: Avg prompt throughput: 5.0 tokens/s, Avg generation throughput: 1.0 tokens/s, Running: 1 reqs',
    "ValueError: To serve at least one request with the model's max seq len (32768), (4.0 GiB KV cache is needed",
    '',
  ])('and this tells none: %s', (line) => {
    expect(readLoadLine(line)).toBeNull();
  });
});

describe('a bar tells its share', () => {
  test.each([
    [
      'Loading safetensors checkpoint shards:  33% Completed | 1/3 [00:24<00:49, 24.61s/it]',
      'load weights',
      1 / 3,
    ],
    ['Loading pt checkpoint shards: 100% Completed | 2/2 [00:01<00:00,  1.90it/s]', 'load weights', 1],
    ['Multi-thread loading shards:  50% Completed | 2/4 [00:01<00:01]', 'load weights', 0.5],
    [`Loading safetensors checkpoint shards:  25%${bar} 1/4 [00:01<00:03]`, 'load weights', 0.25],
    [
      `Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  50%${bar} 10/20 [00:01<00:01]`,
      'graphs',
      0.25,
    ],
    [`Capturing CUDA graphs (decode, FULL):  50%${bar} 10/20 [00:01<00:01]`, 'graphs', 0.75],
    [`Capturing CUDA graph shapes:  20%${bar} 7/35 [00:02<00:10]`, 'graphs', 0.2],
    ['Capturing CUDA graph shapes:   0%|          | 0/35 [00:00<?, ?it/s]', 'graphs', 0],
  ])('%s', (line, phase, fraction) => {
    const mark = readLoadLine(`(EngineCore pid=9) ${line}`);
    expect(mark?.phase).toBe(phase);
    expect(mark?.fraction).toBeCloseTo(fraction, 6);
  });

  test('also where its states come with carriage returns, cut anywhere', () => {
    const text = [0, 1, 2, 3, 4]
      .map(
        (done) =>
          `Loading safetensors checkpoint shards: ${done * 25}% Completed | ${done}/4 [00:0${done}<?]`,
      )
      .join('\r');
    for (let size = 1; size <= text.length; size += 7) {
      const splitter = createLineSplitter();
      const lines: string[] = [];
      for (let at = 0; at < text.length; at += size) {
        lines.push(...splitter.push(Buffer.from(text.slice(at, at + size))));
      }
      lines.push(...splitter.end());
      expect(lines.map((line) => readLoadLine(line)?.fraction)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    }
  });
});

describe('a line tells what follows', () => {
  test('that nothing is compiled', () => {
    const line =
      "Initializing a V1 LLM engine (v0.32.0) with config: model='x', enforce_eager=True, quantization=None";
    expect(readLoadLine(line)).toMatchObject({ phase: 'config', eager: true });
    expect(readLoadLine(line.replace('True', 'False'))).toMatchObject({ phase: 'config', atLeast: 0.75 });
  });

  test('that compiled graphs come from a cache, or do not', () => {
    expect(
      readLoadLine(
        'Directly load the compiled graph(s) for compile range (1, 2048) from the cache, took 0.120 s',
      ),
    ).toMatchObject({ phase: 'compile', cached: true });
    expect(readLoadLine('Directly load AOT compilation from path /root/.cache/vllm/x')).toMatchObject({
      cached: true,
    });
    expect(readLoadLine('[backbone] saved AOT compiled function to /root/.cache/vllm/x')).toMatchObject({
      phase: 'compile',
      cached: false,
    });
    expect(readLoadLine('Compiling a graph for compile range (1, 2048) takes 20.1 s')).toMatchObject({
      cached: false,
    });
    expect(readLoadLine('Compiling a graph for dynamic shape takes 20.1 s')).toMatchObject({ cached: false });
  });
});
