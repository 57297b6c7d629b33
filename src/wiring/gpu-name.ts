import type { GpuReader } from '../host/gpu-reader.ts';

/** The name of the machine's GPU, learned from whoever asks for it: the driver may come long after the daemon. */
export interface GpuName {
  /** The given reader; every answer of it that names a GPU is told. */
  readonly reader: GpuReader;
  /** Whether the engine uses the GPU: where it does not, it has none. */
  setNeeded(needed: boolean): void;
}

/** Makes it; `onName` is told when the name that counts for the engine is another one. Null: none, or not known yet. */
export function createGpuName(reader: GpuReader, onName: (name: string | null) => void): GpuName {
  let needed = false;
  let name: string | null = null;
  let told: string | null = null;
  const tell = () => {
    const now = needed ? name : null;
    if (now === told) return;
    told = now;
    onName(now);
  };
  return {
    reader: {
      async read() {
        const reading = await reader.read();
        // A driver that does not answer now has not changed the card.
        name = reading.gpus?.[0]?.name ?? name;
        tell();
        return reading;
      },
    },
    setNeeded(now) {
      needed = now;
      tell();
    },
  };
}
