import type { Signature } from '../types.ts';

/** Damaged files of a model that show as another error: what counts is what was being read. */
export const VLLM_FILE_SIGNATURES: readonly Signature[] = [
  {
    id: 'corrupt_header',
    knownAs: 'corrupt',
    family: 'vllm',
    code: 'model_file_corrupt',
    symptom:
      'MemoryError, OverflowError or UnicodeDecodeError while the header of a safetensors file is read',
    frames:
      /(?:parse_safetensors_file_metadata|safetensors_weights_iterator|safe_open|get_safetensors_\w+|\/safetensors\/)/,
    patterns: [
      /^(?:MemoryError|OverflowError|UnicodeDecodeError|(?:json\.decoder\.)?JSONDecodeError|struct\.error|ValueError: Invalid)\b/,
    ],
    detail: () =>
      'the header of a weight file is no header: the file is cut off, or is not the file it should be',
    samples: [],
    checkedAgainst: 'vLLM 0.11 to 0.32; safetensors 0.3 to 0.7',
  },
];
