import type { Finding } from '../status/problem.ts';
import type { HubInfo } from './hub-info.ts';

/** Kinds of repositories that hold no weights for vLLM, by their files; the first that fits. */
const KINDS: readonly { sign: RegExp; what: string; named: boolean }[] = [
  {
    sign: /(^|\/)adapter_config\.json$/,
    what: 'only a LoRA adapter, which is loaded beside its base model',
    named: true,
  },
  { sign: /\.gguf$/i, what: 'only GGUF files, which are for llama.cpp', named: true },
  {
    sign: /(^|[/._-])ggml[^/]*\.bin$/i,
    what: 'only GGML files, which are for old versions of llama.cpp',
    named: true,
  },
  { sign: /(^|\/)openvino_[^/]*\.(bin|xml)$/, what: 'only OpenVINO files', named: true },
  { sign: /(^|\/)params_shard_\d+\.bin$/, what: 'only files that were compiled for MLC', named: true },
  {
    sign: /(^|\/)model_index\.json$/,
    what: 'a diffusion model for pictures, not a chat model',
    named: false,
  },
  { sign: /\.onnx$/, what: 'only ONNX files', named: true },
  { sign: /\.(mlmodel|mlpackage|mlmodelc)(\/|$)/, what: 'only Core ML files', named: true },
  { sign: /\.(h5|msgpack)$/, what: 'only TensorFlow or Flax weights', named: true },
  { sign: /\.pth$/, what: "only weights in the layout of the model's own code (.pth)", named: true },
];

/** A set of weights that would have been taken if it were whole. */
const UNFINISHED =
  /^(model\.safetensors|consolidated\.safetensors|pytorch_model\.bin)\.index\.json$|^[^/]+-\d{5}-of-\d{5}\.(safetensors|bin)$/;

/** The problem of a repository without weights that vLLM loads, with what it holds instead and which one to take. */
export function withoutWeights(
  id: string,
  paths: readonly string[],
  info: Pick<HubInfo, 'commit' | 'baseModel'>,
): Finding {
  const where = `${id} at ${info.commit.slice(0, 12)}`;
  const unfinished = paths.some((path) => UNFINISHED.test(path));
  const kind = unfinished ? undefined : KINDS.find(({ sign }) => paths.some((path) => sign.test(path)));
  const what = unfinished
    ? 'an incomplete set of weights: files that its index or their numbers name are missing'
    : kind?.what;
  const detail =
    what === undefined
      ? `${where} has no weights that vLLM loads`
      : `${where} holds ${what}; vLLM cannot load it`;
  const base = info.baseModel;
  return base !== null && base !== id && kind?.named === true
    ? {
        code: 'model_without_weights',
        detail,
        remedy: `Set MODEL_ID to the model it was made from, ${base}, or to another repository with safetensors files.`,
      }
    : { code: 'model_without_weights', detail };
}
