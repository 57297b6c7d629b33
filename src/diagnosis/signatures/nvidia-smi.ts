import type { Signature } from '../types.ts';

const CHECKED = 'nvidia-smi 470 to 595, XML versions 11 to 13';

/** What NVML says to those who ask it, and what single lines of nvidia-smi's table, XML and CSV prove. */
export const NVIDIA_SMI_SIGNATURES: readonly Signature[] = [
  {
    id: 'nvml_unknown',
    family: 'nvidia',
    code: 'gpu_access_lost',
    strength: 'host',
    symptom: 'Failed to initialize NVML: Unknown Error, in a container that worked before',
    patterns: [
      /Failed to initialize NVML: (?:Unknown Error|Insufficient Permissions|No Permission)/i,
      /NVMLError_(?:Unknown|NoPermission): /,
    ],
    samples: [
      'Failed to initialize NVML: Unknown Error',
      'pynvml.NVMLError_Unknown: Unknown Error',
      'Failed to initialize NVML: Insufficient Permissions',
    ],
    checkedAgainst: 'nvidia-smi 470 to 595, pynvml 11 to 13; nvidia-container-toolkit issues 48, 251, 1227',
  },
  {
    id: 'smi_recovery',
    family: 'nvidia',
    code: 'gpu_needs_reset',
    strength: 'host',
    symptom: 'nvidia-smi -q: GPU Recovery Action: Reset',
    patterns: [
      /<gpu_recovery_action>(?<action>[^<]*(?:Reset|Reboot|Drain)[^<]*)<\/gpu_recovery_action>/i,
      /GPU Recovery Action\s+: (?<action>.{0,20}(?:Reset|Reboot|Drain).{0,20})/i,
      /<reset_required>(?<action>Yes)<\/reset_required>/,
      /Reset Required\s+: (?<action>Yes)/,
    ],
    detail: ({ action }) => `the driver asks for a recovery of the GPU: ${action ?? 'reset'}`,
    samples: [
      '<gpu_recovery_action>Reset</gpu_recovery_action>',
      'GPU Recovery Action                   : Drain and Reset',
      '<reset_required>Yes</reset_required>',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'smi_row_remap',
    family: 'nvidia',
    code: 'gpu_hardware_error',
    strength: 'host',
    symptom: 'nvidia-smi -q: Remapping Failure Occurred: Yes',
    patterns: [
      /<remapped_row_failure>Yes<\/remapped_row_failure>/,
      /Remapping Failure Occurred\s+: Yes/,
      /<unrepairable_memory>Yes<\/unrepairable_memory>/,
    ],
    samples: [
      '<remapped_row_failure>Yes</remapped_row_failure>',
      'Remapping Failure Occurred          : Yes',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'smi_row_pending',
    family: 'nvidia',
    code: 'gpu_needs_reset',
    strength: 'weak',
    symptom: 'nvidia-smi -q: remapped rows, Pending: Yes',
    patterns: [
      /<remapped_row_pending>Yes<\/remapped_row_pending>/,
      /<pending_(?:retirement|blacklist)>Yes<\/pending_/,
      /Pending Page Blacklist\s+: Yes/,
    ],
    samples: [
      '<remapped_row_pending>Yes</remapped_row_pending>',
      '<pending_retirement>Yes</pending_retirement>',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'smi_error_cell',
    family: 'nvidia',
    code: 'gpu_tool_failed',
    strength: 'weak',
    symptom: 'nvidia-smi: ERR! in the place of temperature, fan or power',
    patterns: [/\|[^|]*\bERR!/, /,\s*\[(?:Unknown Error|GPU requires reset)\]\s*(?:,|$)/],
    samples: [
      '| ERR!   38C    P0             ERR! /  70W |    3534MiB /  20475MiB |      0%      Default |',
      '0, NVIDIA RTX 4000 Ada Generation, [Unknown Error], 20475',
    ],
    detail: () => 'nvidia-smi shows errors in the place of values: the card answers the driver no longer',
    remedy: () =>
      'Look for XIDs: journalctl -k | grep -i xid. Reset the GPU (nvidia-smi --gpu-reset with all services stopped) or reboot.',
    checkedAgainst: CHECKED,
  },
  {
    id: 'smi_gpu_lost_cell',
    family: 'nvidia',
    code: 'gpu_lost',
    strength: 'host',
    symptom: 'nvidia-smi: [GPU is lost]',
    patterns: [/\[GPU is lost\]/, />GPU is lost</],
    samples: ['0, [GPU is lost], [GPU is lost]', '<gpu_temp>GPU is lost</gpu_temp>'],
    checkedAgainst: CHECKED,
  },
];
