/** The kinds of weights vLLM loads, in the order in which one is chosen. */
type WeightSetKind = 'safetensors' | 'consolidated' | 'bin' | 'pt';

/** One complete set of weights. */
interface WeightSet {
  kind: WeightSetKind;
  /** The weight files themselves. */
  weights: string[];
  /** The index that names them, or null. */
  index: string | null;
}

/** What is fetched of a repository. */
export interface Selection {
  set: WeightSet;
  /** Weights, index and everything small that the engine reads; sorted. */
  paths: string[];
}

/** The names an index file lists, by the path of the index. */
export type IndexContents = ReadonlyMap<string, readonly string[]>;

const SAFETENSORS_INDEX = 'model.safetensors.index.json';
const CONSOLIDATED_INDEX = 'consolidated.safetensors.index.json';
const BIN_INDEX = 'pytorch_model.bin.index.json';
const INDEXES: readonly string[] = [SAFETENSORS_INDEX, CONSOLIDATED_INDEX, BIN_INDEX];

/** PyTorch files that training leaves beside the weights. */
const TRAINING_STATE = /^(training_args|optimizer|scheduler|scaler|rng_state.*|random_states.*)\.(bin|pt)$/;

/** Files of other programs that end like those of PyTorch: OpenVINO, llama.cpp before GGUF, MLC. */
const OTHER_PROGRAM = /^(openvino_.*|ggml.*|.*[._-]ggml.*|params_shard_\d+)\.bin$/i;

/**
 * Small files at the top of a repository that an engine reads: configuration, tokenizer, vocabulary, chat template,
 * Mistral's params and tekken, processors of multimodal models, the model's own Python code.
 */
const SUPPORT_FILE = /\.(json|jinja|txt|model|tiktoken|py)$|^tokenizer\.model\.v\d+$/;

/** Text for people and lists of other formats; none is read by an engine. */
const NOT_SUPPORT =
  /^(readme|license|licence|notice|copying|use_policy|changelog|requirements)|(index|_args|_results|_state)\.json$/i;

/** Which index files have to be read before {@link selectFiles} can name the weights; those present, best first. */
export function indexesToRead(paths: readonly string[]): string[] {
  return INDEXES.filter((index) => paths.includes(index));
}

/** The files that the text of an index names (`weight_map`), or null when it is no index. */
export function readIndex(text: string): string[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || !('weight_map' in parsed)) return null;
  const map = parsed.weight_map;
  if (typeof map !== 'object' || map === null) return null;
  const names = [...new Set<unknown>(Object.values(map))];
  return names.length > 0 && names.every((name) => typeof name === 'string') ? names : null;
}

/**
 * Chooses the files of ONE weight set out of a repository's paths: the safetensors that an index names, else Mistral's
 * consolidated ones (with params.json), else single safetensors, else PyTorch files; never two sets of the same
 * weights. Null when there are none.
 */
export function selectFiles(paths: readonly string[], indexes: IndexContents): Selection | null {
  const top = paths.filter((path) => !path.includes('/'));
  const set =
    indexed('safetensors', SAFETENSORS_INDEX, paths, indexes) ??
    consolidated(top, indexes) ??
    unindexedSafetensors(top) ??
    bareConsolidated(top) ??
    indexed('bin', BIN_INDEX, paths, indexes) ??
    pytorch(top);
  if (set === null) return null;
  const support = paths.filter(isSupportFile);
  const chosen = [...set.weights, ...support, ...(set.index === null ? [] : [set.index])];
  return { set, paths: [...new Set(chosen)].sort() };
}

/** True when the path is one of the small files that an engine reads beside the weights. */
function isSupportFile(path: string): boolean {
  if (/^additional_chat_templates\/[^/]+\.jinja$/.test(path)) return true;
  return !path.includes('/') && !path.startsWith('.') && SUPPORT_FILE.test(path) && !NOT_SUPPORT.test(path);
}

function indexed(
  kind: WeightSetKind,
  index: string,
  paths: readonly string[],
  indexes: IndexContents,
): WeightSet | null {
  const names = indexes.get(index);
  if (names === undefined || !names.every((name) => paths.includes(name))) return null;
  return { kind, weights: [...names].sort(), index };
}

function consolidated(top: readonly string[], indexes: IndexContents): WeightSet | null {
  if (!top.includes('params.json')) return null;
  return indexed('consolidated', CONSOLIDATED_INDEX, top, indexes) ?? bareConsolidated(top);
}

function bareConsolidated(top: readonly string[]): WeightSet | null {
  if (top.includes('consolidated.safetensors')) {
    return { kind: 'consolidated', weights: ['consolidated.safetensors'], index: null };
  }
  return whole(
    'consolidated',
    top.filter((path) => /^consolidated-.*\.safetensors$/.test(path)),
  );
}

function unindexedSafetensors(top: readonly string[]): WeightSet | null {
  if (top.includes('model.safetensors')) {
    return { kind: 'safetensors', weights: ['model.safetensors'], index: null };
  }
  return whole(
    'safetensors',
    top.filter((path) => path.endsWith('.safetensors') && !/^(consolidated|adapter_)/.test(path)),
  );
}

function pytorch(top: readonly string[]): WeightSet | null {
  if (top.includes('pytorch_model.bin')) return { kind: 'bin', weights: ['pytorch_model.bin'], index: null };
  const usable = top.filter(
    (path) => !TRAINING_STATE.test(path) && !OTHER_PROGRAM.test(path) && !path.startsWith('adapter_'),
  );
  return (
    whole(
      'bin',
      usable.filter((path) => path.endsWith('.bin')),
    ) ??
    whole(
      'pt',
      usable.filter((path) => path.endsWith('.pt')),
    )
  );
}

/** Files without an index; those named `…-00001-of-00003…` only when every one of them is there. */
function whole(kind: WeightSetKind, files: readonly string[]): WeightSet | null {
  if (files.length === 0) return null;
  for (const file of files) {
    const match = /^(.*-)(\d{5})-of-(\d{5})(\..*)$/.exec(file);
    if (match === null) continue;
    const [, stem, , count, ending] = match;
    for (let part = 1; part <= Number(count); part += 1) {
      if (!files.includes(`${stem}${String(part).padStart(5, '0')}-of-${count}${ending}`)) return null;
    }
  }
  return { kind, weights: [...files].sort(), index: null };
}
