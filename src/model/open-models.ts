/** A chat model that anybody may fetch without an account. */
interface OpenModel {
  id: string;
  /** Bytes of its one weight set. */
  bytes: number;
}

/**
 * Models under Apache 2.0 without a gate, from the smallest on, one for each size of machine; sizes of the safetensors
 * files as their pages on huggingface.co list them.
 */
const OPEN_MODELS: readonly OpenModel[] = [
  { id: 'Qwen/Qwen3-0.6B', bytes: 1.5e9 },
  { id: 'Qwen/Qwen3-1.7B', bytes: 4.1e9 },
  { id: 'HuggingFaceTB/SmolLM3-3B', bytes: 6.2e9 },
  { id: 'Qwen/Qwen3-4B-Instruct-2507', bytes: 8e9 },
  { id: 'mistralai/Mistral-7B-Instruct-v0.3', bytes: 14.5e9 },
  { id: 'Qwen/Qwen3-8B', bytes: 16.4e9 },
  { id: 'Qwen/Qwen3-14B', bytes: 29.5e9 },
  { id: 'Qwen/Qwen3-32B', bytes: 65.5e9 },
];

/** An open model may be a little larger than the one it stands for. */
const SIZE_TOLERANCE = 1.15;

/** The largest open model of at most the size of another (of a middle one where that is not known), and not that one. */
export function openModelLike(id: string, bytes: number | null): string {
  const limit = (bytes ?? 15e9) * SIZE_TOLERANCE;
  const others = OPEN_MODELS.filter((model) => model.id.toLowerCase() !== id.toLowerCase());
  const [smallest] = others;
  return others.findLast((model) => model.bytes <= limit)?.id ?? smallest?.id ?? '';
}
