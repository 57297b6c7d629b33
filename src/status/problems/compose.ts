import type { ProblemRow } from './row.ts';

/** The compose file: what it says, and what of it is not safe. */
export const COMPOSE_PROBLEMS = {
  compose_file_missing: {
    class: 'fatal',
    title: 'The compose file is missing',
    cause: 'No file stands where the daemon reads what to run.',
    remedy:
      'Copy a template from /usr/share/ai-sandbox to /opt/ai-sandbox/docker-compose.yml; it is noticed by itself.',
  },
  compose_file_invalid: {
    class: 'fatal',
    title: 'The compose file has an error',
    cause: 'The file is not YAML, or has a key or value that is not supported. What runs is kept as it was.',
    remedy:
      'Correct the line that is named; check with: ai-sandbox config check. The corrected file is applied by itself.',
  },
  environment_file_not_writable: {
    class: 'host',
    title: 'The file .env cannot be written',
    cause:
      'A name of the model or a secret is missing in .env beside the compose file, or others can read it, and the disk is full or read-only, or the file is protected.',
    remedy:
      'Free space on, or mend the rights of, the directory of the file that is named (lsattr shows a protected file); it is tried again by itself.',
  },
  model_directory_not_mounted: {
    class: 'fatal',
    title: 'The model service has no model directory',
    cause: 'No bind mount at /root/.cache/huggingface in the api service: the model has nowhere to be kept.',
    remedy: 'Add to the api service: volumes: ["/opt/models:/root/.cache/huggingface"].',
  },
  page_not_protected: {
    class: 'fatal',
    title: 'The chat page is not opened to the network: strangers could take it over',
    cause:
      'The compose file publishes the page on the network, but it has no administrator, lets anybody sign up, or asks nobody to sign in.',
    remedy:
      'Give ui WEBUI_ADMIN_EMAIL, WEBUI_ADMIN_PASSWORD and ENABLE_SIGNUP: "false" (in a page that has an administrator, turn sign-up off in its settings); it is opened by itself.',
  },
  api_not_protected: {
    class: 'fatal',
    title: 'The API is not opened to the network: it has no key',
    cause: 'The compose file publishes the API on the network, but gives vLLM no key.',
    remedy: 'Give api VLLM_API_KEY in the compose file, or publish it on 127.0.0.1; it is opened by itself.',
  },
} as const satisfies Record<string, ProblemRow>;
