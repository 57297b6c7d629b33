import { CHAT_PROBLEMS } from './problems/chat.ts';
import { COMPOSE_PROBLEMS } from './problems/compose.ts';
import { CONTAINER_PROBLEMS } from './problems/container.ts';
import { DAEMON_PROBLEMS } from './problems/daemon.ts';
import { DOCKER_PROBLEMS } from './problems/docker.ts';
import { GPU_PROBLEMS } from './problems/gpu.ts';
import { MODEL_PROBLEMS } from './problems/model.ts';
import type { ProblemRow } from './problems/row.ts';
import { SERVICE_PROBLEMS } from './problems/service.ts';
import { VLLM_PROBLEMS } from './problems/vllm.ts';

export type { ProblemClass, ProblemRow } from './problems/row.ts';

/**
 * Every problem the daemon can name, by subject; a new one is a row in one of these files.
 * docs/operations.md is generated from it (`npm run docs`).
 */
export const PROBLEM_TABLE = {
  ...DAEMON_PROBLEMS,
  ...COMPOSE_PROBLEMS,
  ...DOCKER_PROBLEMS,
  ...CONTAINER_PROBLEMS,
  ...GPU_PROBLEMS,
  ...SERVICE_PROBLEMS,
  ...MODEL_PROBLEMS,
  ...VLLM_PROBLEMS,
  ...CHAT_PROBLEMS,
  unknown_failure: {
    class: 'restart',
    title: 'Something failed that has no name here',
    cause: 'No known signature fits; the best line that was seen stands in the detail.',
    remedy: 'Read the detail and: ai-sandbox logs SERVICE.',
  },
} as const satisfies Record<string, ProblemRow>;

/** The stable name of a problem. */
export type ProblemCode = keyof typeof PROBLEM_TABLE;
