import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { errorCode } from '../lib/errors.ts';
import type { GpuFacts } from './gpu.ts';
import { GPU_FIELDS, parseGpuCsv, unknownField } from './gpu-csv.ts';
import { parseGpuXml } from './gpu-xml.ts';

/** A sick GPU makes nvidia-smi hang; one without persistence mode needs up to 3 s to wake up. */
const TOOL_DEADLINE_MS = 5000;
/** The XML of eight cards with all their clock rates is about 600 kB. */
const OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024;
const NVIDIA_PCI_VENDOR = '0x10de';
/** PCI base class of display controllers: VGA 0x0300, 3D 0x0302. Audio and USB functions of a card have others. */
const DISPLAY_CLASS = '0x03';

/** How a run of nvidia-smi ended. */
export interface ToolRun {
  /** Null: killed at the deadline, or not started. */
  exitCode: number | null;
  output: string;
  outcome: 'ended' | 'hung' | 'missing' | 'not_startable';
}

/** What is known of the GPUs at one look. */
export interface GpuReading {
  /** Empty: this machine has no NVIDIA GPU. Null: it has one, and it could not be asked. */
  gpus: GpuFacts[] | null;
  /** The run that gave no answer; null when all went well. */
  failure: ToolRun | null;
}

/** What the reader needs of the machine; replaced in tests. */
export interface GpuReaderParts {
  /** True when the kernel shows an NVIDIA GPU or its device nodes. */
  present(): Promise<boolean>;
  /** Runs nvidia-smi; settles within the deadline. Never rejects. */
  run(args: readonly string[]): Promise<ToolRun>;
}

/** Asks for the GPUs of this machine. */
export interface GpuReader {
  /** Starts no process on a machine without a GPU. Never rejects. */
  read(): Promise<GpuReading>;
}

/** Makes the reader. The list of fields shrinks when the driver refuses one, once for all. */
export function createGpuReader(parts: GpuReaderParts): GpuReader {
  let fields = [...GPU_FIELDS];

  const query = async (): Promise<ToolRun> => {
    for (;;) {
      const run = await parts.run([`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits']);
      const refused = unknownField(run.output);
      if (refused === null || !fields.includes(refused)) return run;
      fields = fields.filter((field) => field !== refused);
    }
  };

  return {
    async read() {
      if (!(await parts.present())) return { gpus: [], failure: null };
      const csv = await query();
      const listed = parseGpuCsv(csv.output, fields);
      if (csv.exitCode !== 0 && listed.length === 0) return { gpus: null, failure: csv };
      const detailed = await parts.run(['-q', '-x']);
      const gpus = mergeGpus(listed, parseGpuXml(detailed.output));
      const failure = csv.exitCode !== 0 ? csv : detailed.exitCode !== 0 ? detailed : null;
      return gpus.length === 0 ? { gpus: null, failure: csv } : { gpus, failure };
    },
  };
}

/** What only one of the two answers tells is taken from that one; the first wins where both do. */
function mergeGpus(first: readonly GpuFacts[], second: readonly GpuFacts[]): GpuFacts[] {
  if (first.length === 0) return [...second];
  return first.map((gpu) => {
    const other = second.find((each) => each.uuid !== null && each.uuid === gpu.uuid);
    if (other === undefined) return gpu;
    const known = Object.entries(gpu).filter(([, value]) => value !== null);
    return { ...other, ...Object.fromEntries(known) };
  });
}

/** The machine's own sysfs, device nodes and nvidia-smi. */
export function systemGpuParts(clock: Clock, root = '/', command = 'nvidia-smi'): GpuReaderParts {
  // A process that even SIGKILL does not end (it waits inside the driver) must not get company at every look.
  let stuck = false;
  return {
    present: async () => (await hasDeviceNode(join(root, 'dev'))) || (await hasPciDevice(root)),
    run: (args) => {
      if (stuck) return Promise.resolve({ exitCode: null, output: '', outcome: 'hung' });
      return new Promise((resolve) => {
        const timer = new AbortController();
        const child = execFile(
          command,
          args,
          {
            env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
            maxBuffer: OUTPUT_LIMIT_BYTES,
          },
          (error, stdout, stderr) => {
            timer.abort();
            stuck = false;
            const output = `${stdout}${stderr}`;
            if (error === null) return resolve({ exitCode: 0, output, outcome: 'ended' });
            const reason = errorCode(error);
            if (reason === 'ENOENT') return resolve({ exitCode: null, output, outcome: 'missing' });
            if (reason !== null) {
              return resolve({ exitCode: null, output: `${output}${reason}`, outcome: 'not_startable' });
            }
            resolve({ exitCode: child.exitCode, output, outcome: 'ended' });
          },
        );
        clock.sleep(TOOL_DEADLINE_MS, timer.signal).then(
          () => {
            stuck = true;
            child.kill('SIGKILL');
            child.stdout?.destroy();
            child.stderr?.destroy();
            child.unref();
            resolve({ exitCode: null, output: '', outcome: 'hung' });
          },
          () => undefined,
        );
      });
    },
  };
}

async function hasDeviceNode(directory: string): Promise<boolean> {
  return (await list(directory)).some((name) => /^nvidia\d+$/.test(name));
}

async function hasPciDevice(root: string): Promise<boolean> {
  const directory = join(root, 'sys/bus/pci/devices');
  const found = await Promise.all(
    (await list(directory)).map(async (name) => {
      const [vendor, kind] = await Promise.all([
        readFile(join(directory, name, 'vendor'), 'utf8'),
        readFile(join(directory, name, 'class'), 'utf8'),
      ]).catch(() => ['', '']);
      return vendor?.trim() === NVIDIA_PCI_VENDOR && kind?.startsWith(DISPLAY_CLASS) === true;
    }),
  );
  return found.includes(true);
}

async function list(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
