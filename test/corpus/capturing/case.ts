import type { FaultPlan } from '../../stand-ins/hub/faults.ts';
import type { HubOptions } from '../../stand-ins/hub/hub.ts';

/** Families of the corpus; each is a folder of it. */
type Family = 'vllm' | 'hub' | 'docker' | 'open-webui' | 'healthy';

/** One fault that is really provoked. */
export interface Case {
  name: string;
  family: Family;
  /** Code of the problem; null: nothing is wrong. */
  expect: string | null;
  /** What is done, for the head of the log. */
  note: string;
  /** A container that is run, or a command that the engine refuses. */
  run: ContainerRun | RefusedRun;
}

/** A container of vLLM or Open WebUI. */
export interface ContainerRun {
  image: 'api' | 'ui';
  /** Options of `docker run`; `{folder}` is the case's own folder. */
  docker?: string[];
  /** Arguments of the container. */
  args?: string[];
  environment?: Record<string, string>;
  /** Makes the case's own folder, mounted at /model (api) or /app/backend/data (ui), what it has to be. */
  prepare?: (lab: Lab) => Promise<void>;
  /** A stand-in hub, which the container sees as its hub. */
  hub?: { options?: (model: string) => Partial<HubOptions>; faults?: (plan: FaultPlan) => void };
  /** Done once such a line is seen; without it the container ends by itself. */
  once?: { line: RegExp; act: (lab: Lab) => Promise<'running' | 'ended'> };
  /** It may take so long; then it is captured as it is, running. */
  limitSeconds?: number;
}

/** A command of the Docker client that fails; what the engine says is captured. */
interface RefusedRun {
  command: (lab: Lab) => Promise<string[]>;
}

/** What a case can use. */
export interface Lab {
  /** A folder of its own. */
  folder: string;
  container: string;
  images: { api: string; ui: string };
  modelFolder: string;
  /** Runs the Docker client; does not throw. */
  docker(args: string[], limitSeconds?: number): Promise<{ code: number; output: string }>;
  /** Runs Python inside an image of ours, with the case's folder at /folder. */
  python(image: 'api' | 'ui', program: string): Promise<void>;
  sleep(ms: number): Promise<void>;
}
