import { type GpuFacts, UNKNOWN_GPU } from './gpu.ts';
import { smiBytes, smiFlag, smiNumber, smiText } from './gpu-value.ts';

/** What each field of `nvidia-smi --query-gpu` tells; in the order in which they are asked for. */
const FIELDS: Readonly<Record<string, (cell: string) => Partial<GpuFacts>>> = {
  index: (cell) => ({ index: smiNumber(cell) }),
  uuid: (cell) => ({ uuid: smiText(cell) }),
  name: (cell) => ({ name: smiText(cell) }),
  'pci.bus_id': (cell) => ({ pciBusId: smiText(cell) }),
  driver_version: (cell) => ({ driverVersion: smiText(cell) }),
  'memory.total': (cell) => ({ memoryBytes: smiBytes(cell) }),
  'memory.used': (cell) => ({ memoryUsedBytes: smiBytes(cell) }),
  'memory.free': (cell) => ({ memoryFreeBytes: smiBytes(cell) }),
  'temperature.gpu': (cell) => ({ temperatureCelsius: smiNumber(cell) }),
  'utilization.gpu': (cell) => ({ utilizationPercent: smiNumber(cell) }),
  'power.draw': (cell) => ({ powerWatts: smiNumber(cell) }),
  compute_cap: (cell) => ({ computeCapability: smiText(cell) }),
  'mig.mode.current': (cell) => ({ migEnabled: smiFlag(cell) }),
  'ecc.errors.uncorrected.volatile.total': (cell) => ({ eccErrorsUncorrected: smiNumber(cell) }),
};

/** Every field that is asked for. */
export const GPU_FIELDS: readonly string[] = Object.keys(FIELDS);

/**
 * The field that this driver does not know (it refuses the whole query then); null when that is not what it says.
 * Wording: nvidia-smi 390 to 595, `Field "compute_cap" is not a valid field to query.`
 */
export function unknownField(output: string): string | null {
  return /Field "([^"]*)" is not a valid field to query/i.exec(output)?.[1]?.trim() ?? null;
}

/**
 * Reads the answer to `--query-gpu=FIELDS --format=csv,noheader`, with or without units and header. Rows that do not have a
 * cell for each field (an error in between, a cut last line) are left out.
 */
export function parseGpuCsv(csv: string, fields: readonly string[]): GpuFacts[] {
  return csv.split(/\r?\n/).flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length !== fields.length || isHeader(cells, fields)) return [];
    let gpu = UNKNOWN_GPU;
    fields.forEach((field, at) => {
      gpu = { ...gpu, ...FIELDS[field]?.(cells[at] ?? '') };
    });
    return gpu.uuid === null && gpu.name === null ? [] : [gpu];
  });
}

/** A header repeats the names of the fields, some with a unit: `memory.total [MiB]`. */
function isHeader(cells: readonly string[], fields: readonly string[]): boolean {
  return cells.every((cell, at) => cell.replace(/ \[.*\]$/, '') === fields[at]);
}
