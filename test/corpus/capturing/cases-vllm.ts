import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, ContainerRun, Lab } from './case.ts';
import { API_ARGUMENTS } from './lab.ts';

const SERVING = /Application startup complete/;
const KEY = 'capture-key-123456';

function vllm(name: string, expect: string | null, note: string, run: Partial<ContainerRun>): Case {
  const family = expect === null ? 'healthy' : 'vllm';
  return { name, family, expect, note, run: { image: 'api', ...run } };
}

/** The usual arguments with others behind them: the last one of a name wins. */
const withArguments = (...more: string[]) => [...API_ARGUMENTS, ...more];

const changeJson =
  (file: string, change: (json: Record<string, unknown>) => Record<string, unknown>) =>
  async ({ folder }: Lab) => {
    const path = join(folder, file);
    const json = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify(change(json)));
  };

const remove =
  (...files: string[]) =>
  async ({ folder }: Lab) => {
    for (const file of files) await rm(join(folder, file));
  };

/** Ends the first process in the container whose command line fits, as the kernel would: without a word. */
const killInside = (pattern: string, signal = 'KILL') =>
  async function killProcess(lab: Lab) {
    await lab.docker(['exec', lab.container, 'pkill', `-${signal}`, '-f', pattern]);
    return 'ended' as const;
  };

const curl = (lab: Lab, path: string, body?: object) =>
  lab.docker([
    ...['exec', lab.container, 'curl', '-sS', '-m', '60', '-H', `Authorization: Bearer ${KEY}`],
    ...(body === undefined ? [] : ['-H', 'Content-Type: application/json', '-d', JSON.stringify(body)]),
    `http://127.0.0.1:8000${path}`,
  ]);

const chat = (lab: Lab, model: string, words: number) =>
  curl(lab, '/v1/chat/completions', {
    model,
    max_tokens: 4,
    messages: [{ role: 'user', content: 'word '.repeat(words) }],
  });

const SERVED = 'acme/tiny-chat';

export const VLLM_CASES: readonly Case[] = [
  // healthy
  vllm('vllm-serves', null, 'starts, answers a chat, is stopped with SIGTERM', {
    environment: { VLLM_API_KEY: KEY },

    once: {
      line: SERVING,
      act: async (lab) => {
        await chat(lab, SERVED, 3);
        await lab.sleep(11_000);
        await lab.docker(['stop', '-t', '60', lab.container]);
        return 'ended';
      },
    },
  }),
  vllm(
    'vllm-client-errors',
    null,
    'serves; clients ask for another model, too long a chat, with a wrong key',
    {
      once: {
        line: SERVING,
        act: async (lab) => {
          await chat(lab, 'other/model', 1);
          await chat(lab, SERVED, 4000);
          await curl(lab, '/v1/nothing');
          await curl(lab, '/v1/chat/completions', { model: SERVED, messages: 'no list' });
          return 'running';
        },
      },
    },
  ),
  vllm('vllm-compiles', null, 'starts with compilation of graphs', {
    args: API_ARGUMENTS.filter((argument) => argument !== '--enforce-eager'),
    limitSeconds: 400,

    once: { line: SERVING, act: async () => 'running' },
  }),
  vllm(
    'vllm-no-chat-template',
    null,
    'serves a model without chat template; every chat is refused with 400',
    {
      prepare: remove('chat_template.jinja'),

      once: {
        line: SERVING,
        act: async (lab) => {
          await chat(lab, SERVED, 3);
          return 'running';
        },
      },
    },
  ),
  // command line
  vllm('flag-unknown', 'argument_invalid', 'an option that does not exist', {
    args: withArguments('--no-such-option', '1'),
  }),
  vllm('flag-choice', 'argument_invalid', 'a value that an option does not have', {
    args: withArguments('--dtype', 'float7'),
  }),
  vllm('flag-no-value', 'argument_invalid', 'an option that wants a value gets none', {
    args: withArguments('--max-num-seqs'),
  }),
  vllm('flag-number', 'argument_invalid', 'a word where a number belongs', {
    args: withArguments('--max-num-seqs', 'many'),
  }),
  vllm('flag-range', 'argument_invalid', 'more than all of the memory of the GPU is asked for', {
    args: withArguments('--gpu-memory-utilization', '1.7'),
  }),
  vllm('flag-tool-parser', 'argument_invalid', 'a tool parser that does not exist', {
    args: withArguments('--enable-auto-tool-choice', '--tool-call-parser', 'nosuch'),
  }),
  vllm('flag-chat-template', 'argument_invalid', 'a chat template file that does not exist', {
    args: withArguments('--chat-template', '/templates/none.jinja'),
  }),
  vllm('flag-tensor-parallel', 'parallel_size_invalid', 'three parts for four attention heads', {
    args: withArguments('--tensor-parallel-size', '3'),
  }),
  vllm('flag-batched-tokens', 'argument_invalid', 'fewer tokens in a batch than sequences', {
    args: withArguments('--max-num-batched-tokens', '16', '--no-enable-chunked-prefill'),
  }),
  vllm('flag-json', 'argument_invalid', 'an option that wants JSON gets none', {
    args: withArguments('--hf-overrides', '{max: 3'),
  }),
  vllm('flag-quantization', 'quantization_unsupported', 'a quantisation that the model does not have', {
    args: withArguments('--quantization', 'awq'),
  }),
  vllm('flag-lora', 'model_without_weights', 'an adapter that does not exist', {
    args: withArguments('--enable-lora', '--lora-modules', 'mine=/adapters/none'),
  }),
  // context and memory
  vllm('context-longer-than-model', 'context_too_long', 'a longer context than the model has', {
    args: withArguments('--max-model-len', '65536'),
  }),
  vllm('kv-small', 'kv_cache_too_small', 'a longer context than fits into the KV cache', {
    args: withArguments(
      ...['--max-model-len', '4000000', '--hf-overrides', '{"max_position_embeddings": 4000000}'],
    ),
  }),
  vllm('kv-space-too-large', 'host_memory_too_small', 'a larger KV cache than the machine has memory', {
    environment: { VLLM_CPU_KVCACHE_SPACE: '4000' },
  }),
  vllm('memory-limit-loading', 'out_of_memory', 'a memory limit that kills it while it loads', {
    docker: ['--memory', '500m', '--memory-swap', '500m'],
  }),
  vllm('memory-limit-engine', 'out_of_memory', 'a memory limit that kills the engine process', {
    docker: ['--memory', '1500m', '--memory-swap', '1500m'],
    environment: { VLLM_CPU_KVCACHE_SPACE: '2' },
  }),
  // files of the model
  vllm('weights-cut', 'model_file_corrupt', 'the weights end half way', {
    prepare: ({ folder }) => truncate(join(folder, 'model.safetensors'), 3_000_000),
  }),
  vllm('weights-empty', 'model_file_corrupt', 'the weights are an empty file', {
    prepare: ({ folder }) => truncate(join(folder, 'model.safetensors'), 0),
  }),
  vllm('weights-pointer', 'model_file_corrupt', 'the weights are a pointer of Git LFS', {
    prepare: ({ folder }) =>
      writeFile(
        join(folder, 'model.safetensors'),
        `version https://git-lfs.github.com/spec/v1\noid sha256:${'5eed'.repeat(16)}\nsize 6857216\n`,
      ),
  }),
  vllm('weights-header', 'model_file_corrupt', 'the head of the weights is overwritten', {
    prepare: async ({ folder }) => {
      const path = join(folder, 'model.safetensors');
      const bytes = await readFile(path);
      bytes.fill(0x7b, 8, 400);
      await writeFile(path, bytes);
    },
  }),
  vllm('weights-missing', 'model_without_weights', 'no weights are there', {
    prepare: remove('model.safetensors'),
  }),
  vllm('weights-shard-missing', 'model_without_weights', 'the index names a shard that is not there', {
    prepare: async ({ folder }) => {
      await writeFile(
        join(folder, 'model.safetensors.index.json'),
        JSON.stringify({
          metadata: { total_size: 6_857_216 },
          weight_map: {
            'model.norm.weight': 'model-00001-of-00002.safetensors',
            'lm_head.weight': 'model-00002-of-00002.safetensors',
          },
        }),
      );
      const path = join(folder, 'model.safetensors');
      await writeFile(join(folder, 'model-00001-of-00002.safetensors'), await readFile(path));
      await rm(path);
    },
  }),
  vllm('weights-other-size', 'weights_mismatch', 'the weights do not fit the configuration', {
    prepare: changeJson('config.json', (json) => ({ ...json, hidden_size: 512, head_dim: 128 })),
  }),
  vllm('config-missing', 'model_not_found', 'no config.json is there', { prepare: remove('config.json') }),
  vllm('config-cut', 'model_file_corrupt', 'config.json ends half way', {
    prepare: ({ folder }) => truncate(join(folder, 'config.json'), 200),
  }),
  vllm('config-architecture', 'architecture_unsupported', 'an architecture that vLLM does not know', {
    prepare: changeJson('config.json', (json) => ({ ...json, architectures: ['SomethingNewForCausalLM'] })),
  }),
  vllm('config-model-type', 'architecture_unsupported', 'a model type that transformers does not know', {
    prepare: changeJson('config.json', (json) => ({ ...json, model_type: 'something_new' })),
  }),
  vllm('config-remote-code', 'remote_code_refused', 'the model brings code of its own', {
    prepare: changeJson('config.json', (json) => ({
      ...json,
      model_type: 'something_new',
      auto_map: {
        AutoConfig: 'configuration_new.NewConfig',
        AutoModelForCausalLM: 'modeling_new.NewForCausalLM',
      },
    })),
  }),
  vllm('tokenizer-cut', 'tokenizer_unusable', 'tokenizer.json ends half way', {
    prepare: ({ folder }) => truncate(join(folder, 'tokenizer.json'), 20_000),
  }),
  vllm('tokenizer-missing', 'tokenizer_unusable', 'no file of the tokenizer is there', {
    prepare: remove('tokenizer.json', 'tokenizer_config.json'),
  }),
  vllm('model-folder-missing', 'model_not_found', 'a path that does not exist', {
    args: ['/nowhere/model', ...API_ARGUMENTS.slice(1)],
  }),
  // the machine
  vllm('port-taken', 'port_in_use', 'another program in the container has the port', {
    docker: ['--entrypoint', 'sh'],
    args: [
      '-c',
      `python3 -m http.server 8000 --bind 127.0.0.1 >/dev/null 2>&1 & sleep 2; exec vllm serve ${API_ARGUMENTS.join(' ')}`,
    ],
  }),
  vllm('no-compiler', 'compiler_missing', 'no C++ compiler while graphs are to be compiled', {
    docker: ['-e', 'CXX=/usr/bin/no-such-compiler', '-e', 'CC=/usr/bin/no-such-compiler'],
    args: API_ARGUMENTS.filter((argument) => argument !== '--enforce-eager'),
  }),
  vllm('weights-not-readable', 'file_permission_denied', 'a user who may not read the weights', {
    docker: ['--user', '12345:12345', '-e', 'HOME=/tmp'],
    prepare: async (lab) => {
      await lab.python(
        'api',
        'import os; os.chmod("/folder", 0o755); os.chmod("/folder/model.safetensors", 0o600)',
      );
    },
  }),
  vllm('root-read-only', 'file_permission_denied', 'the file system of the container is read-only', {
    docker: ['--read-only'],
  }),
  vllm('tmp-full', 'disk_full', 'no space for temporary files and compiled graphs', {
    docker: ['--tmpfs', '/tmp:size=64k', '--tmpfs', '/root/.cache:size=64k'],
    args: API_ARGUMENTS.filter((argument) => argument !== '--enforce-eager'),
  }),
  vllm('shm-small', 'shared_memory_too_small', 'almost no shared memory, two workers', {
    docker: ['--shm-size', '64k'],
    args: withArguments('--tensor-parallel-size', '2'),
  }),
  vllm('log-level', 'argument_invalid', 'a log level that does not exist', {
    environment: { VLLM_LOGGING_LEVEL: 'LOUD' },
  }),
  vllm('log-settings', 'argument_invalid', 'a file of log settings that does not exist', {
    environment: { VLLM_LOGGING_CONFIG_PATH: '/etc/no-such-file.json' },
  }),
  vllm('open-files', 'process_limit_reached', 'a limit of 12 open files', {
    docker: ['--ulimit', 'nofile=12:12'],
  }),
  vllm('process-limit', 'process_limit_reached', 'a limit of 2 processes and threads', {
    docker: ['--pids-limit', '2'],
  }),
  vllm('memory-limit-import', 'out_of_memory', 'a memory limit in which not even the program fits', {
    docker: ['--memory', '60m', '--memory-swap', '60m'],
  }),
  // ends
  vllm('killed-engine-serving', 'engine_dead', 'the engine process is killed while serving: exit code 0', {
    once: { line: SERVING, act: killInside('EngineCor') },
  }),
  vllm('killed-engine-segfault', 'engine_dead', 'the engine process crashes while serving (SIGSEGV)', {
    once: { line: SERVING, act: killInside('EngineCor', 'SEGV') },
  }),
  vllm('killed-engine-loading', 'engine_dead', 'the engine process is killed while it loads', {
    once: { line: /Starting to load model/, act: killInside('EngineCor') },
  }),
  vllm('stopped-while-loading', 'stopped_while_starting', 'SIGTERM while it loads, SIGKILL after the grace', {
    once: {
      line: /Initializing a V1 LLM engine/,
      act: async (lab) => {
        await lab.docker(['stop', '-t', '10', lab.container]);
        return 'ended';
      },
    },
  }),
  vllm('killed-serving', 'process_killed', 'SIGKILL to the whole container while serving', {
    once: {
      line: SERVING,
      act: async (lab) => {
        await lab.docker(['kill', lab.container]);
        return 'ended';
      },
    },
  }),
];
