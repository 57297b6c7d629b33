import type { ProblemRow } from './row.ts';

/** The model: the hub, its files, and what they say. */
export const MODEL_PROBLEMS = {
  model_id_invalid: {
    class: 'fatal',
    title: 'The model id is not of the form org/name',
    cause: 'MODEL_ID in .env (or in the environment of the daemon) is no valid id of a hub.',
    remedy: 'Set MODEL_ID to org/name, for example mistralai/Mistral-7B-Instruct-v0.3.',
  },
  model_not_found: {
    class: 'fatal',
    title: 'The hub does not know this model',
    cause: 'The id is misspelt, or the model is private and the token may not see it.',
    remedy: 'Correct MODEL_ID in .env, or save a token that may see it in /etc/ai-sandbox/hf-token.',
  },
  model_gated: {
    class: 'fatal',
    title: 'The model may only be fetched after its terms are accepted',
    cause: 'The owner of the model asks for consent, and for a token of an account that has given it.',
    remedy: 'Accept the terms on the page of the model, then save your token in /etc/ai-sandbox/hf-token.',
  },
  token_invalid: {
    class: 'fatal',
    title: 'The hub does not accept the token',
    cause: 'The token was revoked or mistyped.',
    remedy: 'Save a valid token in /etc/ai-sandbox/hf-token; it is noticed by itself.',
  },
  token_missing: {
    class: 'fatal',
    title: 'The hub gives nothing without a token',
    cause: 'The hub (often a mirror of a company) refuses every question that comes without a token.',
    remedy: 'Save a token of this hub in /etc/ai-sandbox/hf-token; it is noticed by itself.',
  },
  revision_not_found: {
    class: 'fatal',
    title: 'The hub does not know this revision of the model',
    cause: 'The branch, tag or commit does not exist.',
    remedy: 'Use the branch main, or correct the revision.',
  },
  model_without_weights: {
    class: 'fatal',
    title: 'The model has no weights that vLLM can load',
    cause: 'The repository holds neither safetensors nor PyTorch weights.',
    remedy: 'Choose a repository with safetensors files.',
  },
  model_disabled: {
    class: 'fatal',
    title: 'The hub has disabled this model',
    cause: 'The owner or the hub has closed the repository; nobody can fetch it.',
    remedy: 'Choose another model in MODEL_ID.',
  },
  architecture_unsupported: {
    class: 'fatal',
    title: 'vLLM cannot serve chats with this kind of model',
    cause:
      'The architecture in the config.json of the model is not one that vLLM can load, or it is not made for chats.',
    remedy: 'Choose a chat model of a supported family in MODEL_ID, for example Qwen/Qwen3-8B.',
  },
  gpu_too_small: {
    class: 'fatal',
    title: 'The GPU has too little memory for this model',
    cause:
      'The weights and the smallest useful context do not fit into what the engine may take of the memory.',
    remedy: 'Choose a smaller or quantised (AWQ, FP8) model in MODEL_ID, or a plan with a larger GPU.',
  },
  hub_unreachable: {
    class: 'transient',
    title: 'The model hub does not answer',
    cause: 'The network, DNS, or the hub itself is down.',
    remedy: 'Check the network of this machine (curl -I https://huggingface.co); it goes on by itself.',
  },
  hub_rate_limited: {
    class: 'transient',
    title: 'The model hub limits requests',
    cause: 'Too many requests from this address.',
    remedy: 'A token raises the limit: save one in /etc/ai-sandbox/hf-token; it goes on by itself.',
  },
  hub_answer_invalid: {
    class: 'fatal',
    title: 'The hub sent something that cannot be trusted',
    cause: 'A file name, hash or size in its answer is not valid; nothing of it was written.',
    remedy: 'Check HF_ENDPOINT and the repository; use another copy of the model.',
  },
  model_checksum_mismatch: {
    class: 'fatal',
    title: 'A file of the model has the wrong checksum, twice',
    cause: 'What arrives is not what the hub announces: a broken mirror, proxy or disk.',
    remedy: 'Check HF_ENDPOINT, proxies and the disk; then: ai-sandbox model retry.',
  },
  model_cache_not_writable: {
    class: 'host',
    title: 'The model directory cannot be written',
    cause:
      'The directory is read-only or not ours, or lies where the unit lets the daemon write nothing: outside of /opt, /var, /srv, /mnt, /media, /etc and the homes.',
    remedy:
      'Mend the rights of the directory that is named; it goes on by itself. For EROFS: systemctl edit ai-sandbox, with [Service] and ReadWritePaths=DIRECTORY.',
  },
  model_incomplete: {
    class: 'fatal',
    title: 'The model is not complete on the disk and may not be fetched',
    cause: 'The engine runs offline, and a file it needs is not in the model directory.',
    remedy:
      'Let the daemon complete the download (ai-sandbox model retry), or allow the engine to go online (remove HF_HUB_OFFLINE).',
  },
  model_file_corrupt: {
    class: 'fatal',
    title: 'A file of the model is damaged',
    cause:
      'A weight file is cut off, or is no weight file at all (often the small text that stands for a large file in git).',
    remedy: 'Delete the file that is named and fetch it again: ai-sandbox model retry.',
  },
  model_file_missing: {
    class: 'fatal',
    title: 'A file of the model is missing',
    cause: 'The repository or directory does not hold a file the engine asks for, such as config.json.',
    remedy: 'Check the model id and the directory; fetch it again with: ai-sandbox model retry.',
  },
  model_config_invalid: {
    class: 'fatal',
    title: 'The configuration of the model cannot be used',
    cause: 'config.json of the model has a value this version of the engine does not know or accept.',
    remedy:
      'Use an image of a version that fits the model (usually a newer one), or correct the value with --hf-overrides.',
  },
  weights_mismatch: {
    class: 'fatal',
    title: 'The weights do not fit the model',
    cause:
      'Names or shapes of the weights differ from what the architecture in config.json wants: a wrong format, an adapter, or a version that does not know it.',
    remedy: 'Use an image of a version that supports this checkpoint, or another copy of the model.',
  },
  chat_template_missing: {
    class: 'fatal',
    title: 'The model cannot chat: it has no chat template',
    cause: 'The engine runs, but the tokenizer of the model brings no template, so every chat is refused.',
    remedy: 'Use an instruct model, or add --chat-template FILE to the command of the api service.',
  },
  tokenizer_unusable: {
    class: 'fatal',
    title: 'The tokenizer of the model cannot be loaded',
    cause:
      'A file of the tokenizer is missing or damaged, a package it needs is not there, or the tokenizer mode does not fit.',
    remedy:
      'Fetch the model again (ai-sandbox model retry), or set --tokenizer and --tokenizer-mode to what the model needs.',
  },
  remote_code_refused: {
    class: 'fatal',
    title: 'The model wants to run its own code',
    cause: 'The repository of the model brings Python code, which is only run with consent.',
    remedy:
      'Read the code of the repository; if you trust it, add --trust-remote-code to the command of the api service.',
  },
} as const satisfies Record<string, ProblemRow>;
