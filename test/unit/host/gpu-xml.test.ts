import { describe, expect, test } from 'vitest';
import { parseGpuXml } from '../../../src/host/gpu-xml.ts';

/** One card as the DTD of version 13 writes it; `more` stands inside the element. */
const card = (uuid: string, more = '') => `
	<gpu id="00000000:06:00.0">
		<product_name>NVIDIA RTX 4000 SFF Ada Generation</product_name>
		<product_architecture>Ada Lovelace</product_architecture>
		<mig_mode>
			<current_mig>N/A</current_mig>
		</mig_mode>
		<mig_devices>
			None
		</mig_devices>
		<uuid>${uuid}</uuid>
		${more}
		<pci>
			<pci_bus_id>00000000:06:00.0</pci_bus_id>
		</pci>
		<fb_memory_usage>
			<total>20475 MiB</total>
			<reserved>460 MiB</reserved>
			<used>3534 MiB</used>
			<free>16482 MiB</free>
		</fb_memory_usage>
		<utilization>
			<gpu_util>7 %</gpu_util>
		</utilization>
		<temperature>
			<gpu_temp>38 C</gpu_temp>
		</temperature>
		<gpu_power_readings>
			<average_power_draw>8.81 W</average_power_draw>
			<instant_power_draw>8.44 W</instant_power_draw>
		</gpu_power_readings>
		<remapped_rows>
			<remapped_row_pending>No</remapped_row_pending>
			<remapped_row_failure>Yes</remapped_row_failure>
		</remapped_rows>
	</gpu>`;
const log = (...cards: string[]) => `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">
<nvidia_smi_log>
	<driver_version>595.84</driver_version>
	<cuda_version>13.2</cuda_version>
	<attached_gpus>${cards.length}</attached_gpus>${cards.join('')}
</nvidia_smi_log>`;

describe('the XML of nvidia-smi', () => {
  test('a card gives its values in bytes, degrees, percent and watts', () => {
    expect(parseGpuXml(log(card('GPU-1')))).toEqual([
      {
        index: 0,
        uuid: 'GPU-1',
        name: 'NVIDIA RTX 4000 SFF Ada Generation',
        pciBusId: '00000000:06:00.0',
        memoryBytes: 20475 * 1024 ** 2,
        memoryUsedBytes: 3534 * 1024 ** 2,
        memoryFreeBytes: 16482 * 1024 ** 2,
        temperatureCelsius: 38,
        utilizationPercent: 7,
        powerWatts: 8.44,
        computeCapability: '8.9',
        driverVersion: '595.84',
        cudaVersion: '13.2',
        migEnabled: null,
        eccErrorsUncorrected: null,
        rowRemapPending: false,
        rowRemapFailed: true,
        users: null,
        recoveryAction: null,
      },
    ]);
  });

  test.each([
    ['<gpu_recovery_action>Drain and Reset</gpu_recovery_action>', 'Drain and Reset'],
    ['<gpu_recovery_action>None</gpu_recovery_action>', null],
    ['<gpu_reset_status><reset_required>Yes</reset_required></gpu_reset_status>', 'Reset'],
    [
      '<gpu_reset_status><reset_required>No</reset_required><drain_and_reset_recommended>Yes</drain_and_reset_recommended></gpu_reset_status>',
      'Drain and Reset',
    ],
    ['<gpu_reset_status><reset_required>No</reset_required></gpu_reset_status>', null],
  ])('%s means the recovery %s', (xml, action) => {
    expect(parseGpuXml(log(card('GPU-1', xml)))[0]?.recoveryAction).toBe(action);
  });

  test.each([
    [
      '<ecc_errors><volatile><sram_uncorrectable>1</sram_uncorrectable><dram_uncorrectable>2</dram_uncorrectable></volatile></ecc_errors>',
      3,
    ],
    [
      '<ecc_errors><volatile><sram_uncorrectable_parity>1</sram_uncorrectable_parity><dram_uncorrectable>N/A</dram_uncorrectable></volatile></ecc_errors>',
      1,
    ],
    [
      '<ecc_errors><volatile><double_bit><device_memory>4</device_memory><total>5</total></double_bit></volatile></ecc_errors>',
      5,
    ],
    ['<ecc_errors><volatile><dram_uncorrectable>N/A</dram_uncorrectable></volatile></ecc_errors>', null],
  ])('the uncorrectable errors of %s are %s', (xml, count) => {
    expect(parseGpuXml(log(card('GPU-1', xml)))[0]?.eccErrorsUncorrected).toBe(count);
  });

  test('the parts of a divided card do not stand for the card', () => {
    const divided = card('GPU-1')
      .replace('<current_mig>N/A', '<current_mig>Enabled')
      .replace(
        '\n\t\t\tNone',
        '<mig_device><index>0</index><uuid>MIG-1</uuid><fb_memory_usage><total>4864 MiB</total></fb_memory_usage></mig_device>',
      );
    expect(parseGpuXml(log(divided))[0]).toMatchObject({
      uuid: 'GPU-1',
      migEnabled: true,
      memoryBytes: 20475 * 1024 ** 2,
    });
  });

  test('several cards are counted in their order', () => {
    const gpus = parseGpuXml(log(card('GPU-1'), card('GPU-2')));
    expect(gpus.map(({ index, uuid }) => [index, uuid])).toEqual([
      [0, 'GPU-1'],
      [1, 'GPU-2'],
    ]);
  });

  test('programs that compute are its users; those that draw are not', () => {
    const program = (pid: number, type: string, memory: string) =>
      `<process_info><pid>${pid}</pid><type>${type}</type><process_name>python3</process_name><used_memory>${memory}</used_memory></process_info>`;
    const processes = [program(7, 'C', '512 MiB'), program(8, 'G', '4 MiB'), program(9, 'M+C', 'N/A')];
    const xml = log(card('GPU-1', `<processes>${processes.join('')}</processes>`));
    expect(parseGpuXml(xml)[0]?.users).toEqual([
      { pid: 7, name: 'python3', memoryBytes: 512 * 1024 ** 2 },
      { pid: 9, name: 'python3', memoryBytes: null },
    ]);
    expect(parseGpuXml(log(card('GPU-1', '<processes></processes>')))[0]?.users).toEqual([]);
  });

  test('a card that is cut off keeps what was read', () => {
    const xml = log(card('GPU-1'));
    const gpu = parseGpuXml(xml.slice(0, xml.indexOf('<temperature>')))[0];
    expect(gpu).toMatchObject({ uuid: 'GPU-1', memoryUsedBytes: 3534 * 1024 ** 2, temperatureCelsius: null });
  });

  test('an older power reading and an unknown architecture are read as far as they go', () => {
    const old = card('GPU-1')
      .replace(
        /<gpu_power_readings>[\s\S]*<\/gpu_power_readings>/,
        '<power_readings><power_draw>67.03 W</power_draw></power_readings>',
      )
      .replace('Ada Lovelace', 'Ampere');
    expect(parseGpuXml(log(old))[0]).toMatchObject({ powerWatts: 67.03, computeCapability: null });
  });

  test('what is no XML has no GPU', () => {
    expect(parseGpuXml('No devices were found')).toEqual([]);
  });
});
