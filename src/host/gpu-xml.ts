import { type GpuFacts, type GpuUser, UNKNOWN_GPU } from './gpu.ts';
import { smiBytes, smiFlag, smiNumber, smiText } from './gpu-value.ts';

/** What an architecture's name says of the compute capability where only one is possible; the others have several. */
const CAPABILITY_OF_ARCHITECTURE: Readonly<Record<string, string>> = {
  Turing: '7.5',
  'Ada Lovelace': '8.9',
  Hopper: '9.0',
};

/**
 * Reads the answer to `nvidia-smi -q -x` (DTD versions 4 to 13). Only the first value of a path counts, so the parts of MIG
 * devices, which repeat the names of the card, are taken out first. What is cut off at the end stays unknown.
 */
export function parseGpuXml(xml: string): GpuFacts[] {
  const head = xml.slice(0, xml.search(/<gpu[\s>]/));
  const driverVersion = smiText(valueAt(head, 'driver_version'));
  const cudaVersion = smiText(valueAt(head, 'cuda_version'));
  return blocks(xml, 'gpu').map((block, index) => {
    const gpu = block.replace(/<mig_devices>[\s\S]*?<\/mig_devices>/, '').replace(/<processes>[\s\S]*$/, '');
    const at = (...path: string[]) => path.reduce<string | undefined>(descend, gpu);
    const architecture = smiText(at('product_architecture'));
    return {
      ...UNKNOWN_GPU,
      // The element has no index; nvidia-smi lists the cards in the order of their indices.
      index,
      uuid: smiText(at('uuid')),
      name: smiText(at('product_name')),
      pciBusId: smiText(at('pci', 'pci_bus_id')) ?? smiText(/^<gpu id="([^"]*)"/.exec(block)?.[1]),
      memoryBytes: smiBytes(at('fb_memory_usage', 'total')),
      memoryUsedBytes: smiBytes(at('fb_memory_usage', 'used')),
      memoryFreeBytes: smiBytes(at('fb_memory_usage', 'free')),
      temperatureCelsius: smiNumber(at('temperature', 'gpu_temp')),
      utilizationPercent: smiNumber(at('utilization', 'gpu_util')),
      powerWatts: smiNumber(powerDraw(at('gpu_power_readings') ?? at('power_readings'))),
      computeCapability: architecture === null ? null : (CAPABILITY_OF_ARCHITECTURE[architecture] ?? null),
      driverVersion,
      cudaVersion,
      migEnabled: smiFlag(at('mig_mode', 'current_mig')),
      eccErrorsUncorrected: uncorrected(at('ecc_errors', 'volatile')),
      rowRemapPending: smiFlag(at('remapped_rows', 'remapped_row_pending')),
      rowRemapFailed: smiFlag(at('remapped_rows', 'remapped_row_failure')),
      users: usersOf(valueAt(block, 'processes')),
      recoveryAction: recoveryAction(at('gpu_recovery_action'), at('gpu_reset_status')),
    };
  });
}

/** Programs of type C compute; those of type G draw. */
function usersOf(processes: string | undefined): GpuUser[] | null {
  if (processes === undefined) return null;
  return blocks(processes, 'process_info')
    .filter((block) => valueAt(block, 'type')?.includes('C') === true)
    .map((block) => ({
      pid: smiNumber(valueAt(block, 'pid')),
      name: smiText(valueAt(block, 'process_name')),
      memoryBytes: smiBytes(valueAt(block, 'used_memory')),
    }));
}

/** `gpu_recovery_action` (from 570 on), else the older `gpu_reset_status` in the same words. */
function recoveryAction(action: string | undefined, resetStatus: string | undefined): string | null {
  if (action !== undefined) return smiText(action);
  if (smiFlag(valueAt(resetStatus ?? '', 'reset_required')) === true) return 'Reset';
  return smiFlag(valueAt(resetStatus ?? '', 'drain_and_reset_recommended')) === true
    ? 'Drain and Reset'
    : null;
}

/** Drivers from 580 on tell an average and an instant draw instead of one. */
function powerDraw(readings: string | undefined): string | undefined {
  if (readings === undefined) return undefined;
  return valueAt(readings, 'power_draw') ?? valueAt(readings, 'instant_power_draw');
}

/** The sum over all kinds of memory: their names differ between generations (`double_bit/total`, `dram_uncorrectable`…). */
function uncorrected(errors: string | undefined): number | null {
  if (errors === undefined) return null;
  const doubleBit = valueAt(errors, 'double_bit');
  if (doubleBit !== undefined) return smiNumber(valueAt(doubleBit, 'total'));
  const counts = [...errors.matchAll(/<\w+_uncorrectable\w*>([^<]*)</g)]
    .map((match) => smiNumber(match[1]))
    .filter((count) => count !== null);
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
}

function descend(inner: string | undefined, name: string): string | undefined {
  return inner === undefined ? undefined : valueAt(inner, name);
}

/** What stands in the first element of this name; undefined where there is none or its end is cut off. */
function valueAt(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : decode(text.trim());
}

/** The elements of this name with their tags; one that is cut off reaches to the end. */
function blocks(xml: string, name: string): string[] {
  return xml.match(new RegExp(`<${name}(?:\\s[^>]*)?>[\\s\\S]*?(?:</${name}>|$)`, 'g')) ?? [];
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
