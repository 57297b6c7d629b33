import type { Finding } from '../status/problem.ts';
import type { ModelView } from '../status/schema.ts';
import { checkConfig } from './config-check.ts';
import { checkFit } from './fit-check.ts';
import type { MemoryFit } from './memory-fit.ts';
import type { ModelFacts } from './model-facts.ts';
import type { Surroundings } from './surroundings.ts';

/** What is known of a model on this machine before anything of it is loaded. */
export interface Preflight {
  /** Null for a model that says too little of itself. */
  fit: MemoryFit | null;
  /** Why the engine could not serve it. */
  finding: Finding | null;
  /** What has to be mended before it can be loaded; no reason not to fetch it. */
  notice: Finding | null;
}

/** Judges a model by what it says of itself, the engine's options, and the machine. */
export function preflight(id: string, facts: ModelFacts, surroundings: Surroundings): Preflight {
  const finding = checkConfig(id, facts, surroundings.engine);
  const { config } = facts;
  if (config === null) return { fit: null, finding, notice: null };
  const checked = checkFit({ ...facts, config }, surroundings);
  return { fit: checked.fit, finding: finding ?? checked.finding, notice: checked.notice };
}

/** Whether a problem may go when machine, engine options or what else is to come onto the disk change. */
export function dependsOnSurroundings(code: Finding['code']): boolean {
  return SURROUNDINGS_PROBLEMS.has(code);
}

const SURROUNDINGS_PROBLEMS: ReadonlySet<Finding['code']> = new Set<Finding['code']>([
  'architecture_unsupported',
  'quantization_unsupported',
  'remote_code_refused',
  'chat_template_missing',
  'gpu_too_small',
  'gpu_too_old',
  'parallel_size_invalid',
  'host_memory_too_small',
  'disk_too_small',
]);

/** The fit in the words of /status. */
export function fitView(fit: MemoryFit | null): ModelView['memory_fit'] | null {
  if (fit === null) return null;
  return {
    weights_bytes: Math.round(fit.weightsBytes),
    kv_cache_bytes_per_token: fit.kvCacheBytesPerToken === null ? null : Math.round(fit.kvCacheBytesPerToken),
    max_model_len: fit.maxModelLen === null ? null : Math.floor(fit.maxModelLen),
    verdict: fit.verdict,
  };
}
