import { describe, expect, test } from 'vitest';
import { GPU_FIELDS, parseGpuCsv, unknownField } from '../../../src/host/gpu-csv.ts';

const ADA =
  '0, GPU-37037c3f-65c8-ec4d-24a9-420204ad8026, NVIDIA RTX 4000 Ada Generation, 00000000:00:03.0, 580.95.05, 20475, 3534, 16482, 38, 12, 8.44, 8.9, [N/A], 0';

const one = (line: string) => {
  const [gpu, ...more] = parseGpuCsv(line, GPU_FIELDS);
  expect(more).toEqual([]);
  return gpu;
};

describe('the CSV of nvidia-smi', () => {
  test('a row gives every value with bytes for MiB', () => {
    expect(one(ADA)).toMatchObject({
      index: 0,
      uuid: 'GPU-37037c3f-65c8-ec4d-24a9-420204ad8026',
      name: 'NVIDIA RTX 4000 Ada Generation',
      pciBusId: '00000000:00:03.0',
      driverVersion: '580.95.05',
      memoryBytes: 20475 * 1024 ** 2,
      memoryUsedBytes: 3534 * 1024 ** 2,
      temperatureCelsius: 38,
      utilizationPercent: 12,
      powerWatts: 8.44,
      computeCapability: '8.9',
      migEnabled: null,
      eccErrorsUncorrected: 0,
    });
  });

  test('values with units are read as well', () => {
    const withUnits = ADA.replace(
      '20475, 3534, 16482, 38, 12, 8.44',
      '20475 MiB, 3534 MiB, 16482 MiB, 38, 12 %, 8.44 W',
    );
    expect(one(withUnits)).toMatchObject({
      memoryBytes: 20475 * 1024 ** 2,
      utilizationPercent: 12,
      powerWatts: 8.44,
    });
  });

  test.each([
    '[N/A]',
    'N/A',
    '[Not Supported]',
    '[Unknown Error]',
    'Unknown Error',
    'ERR!',
    '[GPU is lost]',
    '[GPU requires reset]',
    '[Insufficient Permissions]',
    '[Requested functionality has been deprecated]',
    '',
  ])('%s in the place of a value is no value', (word) => {
    const gpu = one(ADA.replace(', 38, 12, 8.44,', `, ${word}, ${word}, ${word},`));
    expect(gpu).toMatchObject({ temperatureCelsius: null, utilizationPercent: null, powerWatts: null });
    expect(gpu?.memoryBytes).toBe(20475 * 1024 ** 2);
  });

  test('several GPUs are several rows, MIG is told', () => {
    const second = ADA.replace('0, GPU-37', '1, GPU-99').replace('[N/A], 0', 'Enabled, 2');
    const gpus = parseGpuCsv(`${ADA}\r\n${second}\r\n`, GPU_FIELDS);
    expect(
      gpus.map(({ index, migEnabled, eccErrorsUncorrected }) => [index, migEnabled, eccErrorsUncorrected]),
    ).toEqual([
      [0, null, 0],
      [1, true, 2],
    ]);
  });

  test.each([
    ['a header', `${GPU_FIELDS.join(', ')}\n${ADA}`],
    ['a header with units', `${GPU_FIELDS.join(', ').replace('memory.total', 'memory.total [MiB]')}\n${ADA}`],
    [
      'an error between the rows',
      `Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error\n${ADA}`,
    ],
    ['a cut last row', `${ADA}\n1, GPU-99, NVIDIA`],
  ])('%s is left out', (_what, csv) => {
    expect(one(csv)?.index).toBe(0);
  });

  test('an answer that is no table has no GPU', () => {
    expect(parseGpuCsv('No devices were found', GPU_FIELDS)).toEqual([]);
    expect(parseGpuCsv('', GPU_FIELDS)).toEqual([]);
  });

  test('the field that an older driver refuses is named', () => {
    expect(unknownField('Field "compute_cap" is not a valid field to query.\n\n')).toBe('compute_cap');
    expect(unknownField(ADA)).toBeNull();
  });
});
