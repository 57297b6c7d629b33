import type { DeploymentFacts } from '../deployment/facts.ts';
import {
  type DeploymentMemory,
  deploymentChanged,
  deploymentView,
  stepDeployment,
} from '../deployment/machine.ts';
import type { Moment } from '../deployment/moment.ts';
import { readDisks } from '../host/disk.ts';
import { linksFor } from '../host/identity.ts';
import type { IdentityKeeper } from '../host/identity-keeper.ts';
import type { Clock } from '../lib/clock.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Redactor } from '../lib/redact.ts';
import type { StateSection, StateStore } from '../lib/state-store.ts';
import type { LoadView } from '../model/load-progress.ts';
import type { ModelSnapshot } from '../model/types.ts';
import type { ServicesSnapshot } from '../services/types.ts';
import type { Settings } from '../settings.ts';
import { assembleStatus } from '../status/assemble.ts';
import { carryProblem, type Finding, type Problem } from '../status/problem.ts';
import { EMPTY_BAR, stepBar } from '../status/progress-bar.ts';
import type { ChatView, DiskView, ModelView, Status } from '../status/schema.ts';
import type { Exposure } from './exposure.ts';
import type { GpuWatch } from './gpu-watch.ts';
import type { InstallerWatch } from './installer-watch.ts';
import { redactStatus } from './redact-status.ts';

/** How often free space is read. */
const DISK_INTERVAL_MS = 30_000;

/** What the daemon writes for people, besides answers. */
type Surface = 'motd' | 'logs' | 'credentials';

/** Where the rooms' snapshots become the one status. */
export interface StatusSource {
  /** Makes the status of this moment and takes the deployment a step further. */
  assemble(): Status;
  /** A problem of a surface; null when it works. */
  setFinding(surface: Surface, finding: Finding | null): void;
  /** Directories of the host whose space is shown, besides the state's. */
  setPaths(paths: readonly (string | null)[]): void;
  /** Reads free space from time to time until `signal` aborts. */
  run(signal: AbortSignal, onChange: () => void): Promise<void>;
}

/** Parts of {@link createStatusSource}. */
export interface StatusSourceParts {
  version: string;
  clock: Clock;
  log: Log;
  redactor: Redactor;
  settings: Settings;
  /** The moment of now, comparable across boots. */
  moment(): Moment;
  services(): ServicesSnapshot;
  model(): ModelSnapshot;
  /** How far the engine is with loading; null while nothing loads. */
  load(): LoadView | null;
  /** Seconds that a load which has not begun will take; null: no earlier start tells. */
  loadSeconds(): number | null;
  chats: { snapshot(): ChatView; checked(): boolean };
  deployment: StateSection<DeploymentMemory>;
  identity: Pick<IdentityKeeper, 'identity' | 'publicAddresses'>;
  store: Pick<StateStore, 'quarantined' | 'lastWriteError'>;
  desiredProblems(): Problem[];
  installer: Pick<InstallerWatch, 'verdict' | 'problem'>;
  exposure: Pick<Exposure, 'settled' | 'problems'>;
  gpus: Pick<GpuWatch, 'gpus' | 'problem'>;
}

/** Makes the source of the status. */
export function createStatusSource(parts: StatusSourceParts): StatusSource {
  const { clock, log, settings, deployment } = parts;
  const startedMs = clock.monotonicMs();
  const standing: Record<Surface | 'store' | 'quarantine', Problem | null> = {
    motd: null,
    logs: null,
    credentials: null,
    store: null,
    quarantine: null,
  };
  let paths: string[] = [];
  let disks: DiskView[] = [];
  let bar = EMPTY_BAR;

  const lookAtStore = () => {
    const { quarantined } = parts.store;
    standing.quarantine = carryProblem(
      standing.quarantine,
      quarantined === null
        ? null
        : { code: 'state_file_corrupt', detail: `${quarantined.reason}; the copy is ${quarantined.path}` },
      clock,
    );
    const failure = parts.store.lastWriteError();
    standing.store = carryProblem(
      standing.store,
      failure === null
        ? null
        : { code: 'state_not_writable', detail: `${settings.stateDirectory}: ${failure}` },
      clock,
    );
  };

  const statusWith = (memory: DeploymentMemory): Status => {
    const services = parts.services();
    const status = assembleStatus({
      version: parts.version,
      now: clock.now(),
      uptimeSeconds: (clock.monotonicMs() - startedMs) / 1000,
      services,
      model: {
        ...parts.model(),
        pinned: settings.pinnedModelId !== null,
        load: loadOf(parts.load()),
      },
      bar: (seen) => {
        const stepped = stepBar(bar, {
          status: seen,
          loadSeconds: parts.load()?.etaSeconds ?? parts.loadSeconds(),
        });
        bar = stepped.memory;
        return stepped.progress;
      },
      deployment: deploymentView(memory, parts.identity.identity()),
      chat: parts.chats.snapshot(),
      host: { gpus: parts.gpus.gpus(), disks },
      links: linksFor(services.published, { publicAddresses: parts.identity.publicAddresses() }),
      problems: [
        ...parts.desiredProblems(),
        ...parts.exposure.problems(),
        ...[parts.installer.problem(), parts.gpus.problem(), ...Object.values(standing)].filter(
          (problem) => problem !== null,
        ),
      ],
    });
    return redactStatus(status, parts.redactor);
  };

  return {
    assemble() {
      lookAtStore();
      const before = deployment.get();
      if (!engineIsKnown(parts.services())) return statusWith(before);
      // Without the deployment's own verdict, which would otherwise be its own reason for ever.
      const seen = statusWith({ ...before, problem: null });
      const next = stepDeployment(
        before,
        factsOf(seen, {
          chatsChecked: parts.chats.checked(),
          pageSettled: parts.exposure.settled(),
          installer: parts.installer.verdict().phases,
        }),
        parts.moment(),
      );
      if (deploymentChanged(before, next)) {
        deployment
          .set(next)
          .catch((error: unknown) => log.warn(`the state cannot be written: ${errorMessage(error)}`));
      }
      return statusWith(next);
    },
    setFinding(surface, finding) {
      standing[surface] = carryProblem(standing[surface], finding, clock);
    },
    setPaths(wanted) {
      paths = wanted.filter((path) => path !== null);
    },
    async run(signal, onChange) {
      while (!signal.aborted) {
        disks = await readDisks([settings.stateDirectory, ...paths], clock);
        onChange();
        await clock.sleep(DISK_INTERVAL_MS, signal).catch(() => undefined);
      }
    },
  };
}

function loadOf(view: LoadView | null): ModelView['load'] | null {
  return view === null ? null : { phase: view.phase, percent: view.percent };
}

/** Before the engine has answered or failed to, nothing is known that could change what was true before the restart. */
function engineIsKnown({ docker, problems }: ServicesSnapshot): boolean {
  return docker.reachable || problems.length > 0;
}

function factsOf(
  status: Status,
  known: Pick<DeploymentFacts, 'chatsChecked' | 'pageSettled' | 'installer'>,
): DeploymentFacts {
  const fileRead = Object.values(status.services).every((view) => view.waiting_for !== 'compose file');
  return {
    ...known,
    services: fileRead ? status.services : {},
    model: status.model,
    chatsChecked: known.chatsChecked || !('ui' in status.services),
    engineAnswers: null,
    problems: status.problems,
  };
}
