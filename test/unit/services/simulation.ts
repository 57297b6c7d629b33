import { Compile } from 'typebox/compile';
import type { Diagnosis } from '../../../src/diagnosis/types.ts';
import { EMPTY_MEMORY, type ServicesMemory, ServicesMemorySchema } from '../../../src/services/memory.ts';
import { StatusSchema } from '../../../src/status/schema.ts';
import {
  engineError,
  type ScriptedCall,
  type ScriptedContainer,
  type Treatment,
} from '../../support/scripted-engine.ts';
import { type Stage, setStage } from './support.ts';

/** One thing that goes wrong, or time that passes. Numbers are small so that they shrink well. */
export type Fault =
  | { kind: 'wait'; seconds: number }
  | { kind: 'exit'; service: 0 | 1; code: number; oom: boolean }
  | { kind: 'crash-loop'; service: 0 | 1; times: number }
  | { kind: 'brittle'; service: 0 | 1; afterMs: number; times: number }
  | { kind: 'hang'; service: 0 | 1 }
  | { kind: 'foreign-kill'; service: 0 | 1; signal: 9 | 15 }
  | { kind: 'foreign-remove'; service: 0 | 1 }
  | { kind: 'foreign-start'; service: 0 | 1 }
  | { kind: 'lose-events'; seconds: number }
  | { kind: 'late-events'; milliseconds: number }
  | { kind: 'cut-events'; seconds: number }
  | { kind: 'bad-calls'; how: 'fail' | 'slow' | 'hang' | 'deaf' | 'conflict'; count: number }
  | { kind: 'daemon-crash'; afterCalls: number }
  | { kind: 'state-lost' }
  | { kind: 'sick'; service: 0 | 1; cause: Cause; afterSeconds: number }
  | { kind: 'engine-restart'; seconds: number; keep: boolean }
  | { kind: 'user'; action: 'start' | 'stop' | 'restart'; service: 0 | 1 };

/** What every run of a service dies of until it is mended: by a person, by a heal, or by nobody. */
export type Cause = 'fatal' | 'host' | 'transient' | 'context' | 'access' | 'damaged';

/** A whole run: what happens, and the seed of everything that is left to chance in between. */
export interface Sequence {
  faults: Fault[];
  salt: number;
}

const MEMORY = Compile(ServicesMemorySchema);
const VIEWS = Compile(StatusSchema.properties.services);

const NAMES = ['api', 'ui'] as const;
type Name = (typeof NAMES)[number];

/** Waits of the curve as the design states them, on purpose not those of the code: counted failure → seconds. */
const CURVE_SECONDS = [0, 0, 10, 20, 40, 80, 160, 300];
/** Longer than three probes at the pace of a start. */
const READY_AFTER_MS = 7_000;
/** Long enough for the slowest wait, a hung call and a reset of every pace. */
const CONVERGENCE_STEP_MS = 60_000;
const CONVERGENCE_LIMIT_MS = 900_000;

/** How each cause shows in a log, and whether the heal that belongs to it cures. */
const CAUSES: Readonly<Record<Cause, Diagnosis>> = {
  fatal: diagnosed('model_gated', 'gated'),
  host: diagnosed('gpu_missing', 'no_gpu'),
  transient: diagnosed('port_in_use', 'port'),
  context: diagnosed('kv_cache_too_small', 'kv_small', { estimated_max_model_len: '4096' }),
  access: diagnosed('gpu_access_lost', 'nvml'),
  damaged: diagnosed('model_file_corrupt', 'corrupt'),
};
/** Starts of one run of failures that a cause of class fatal may have: the first, and the one that is made at once. */
const FATAL_STARTS = 2;
/** Starts within half an hour that a settled loop or a cause in the machine may have: five, and the slow pace. */
const SETTLED_STARTS = 12;
/** A stop that fails is asked for again, at the pace of failed calls. */
const ANEW_MS = 60_000;
/** Further starts that one other fault may cost. */
const EXCUSED_STARTS = 6;

/** What the simulation itself knows of a service, independent of the supervisor. */
interface Oracle {
  wanted: boolean;
  /** Own crashes in a row, and when the last one was. Null: not known exactly, so not judged. */
  crashes: number | null;
  crashedAt: number;
  readySince: number | null;
  /** What its runs die of now. */
  sick: { cause: Cause; afterSeconds: number; starts: number[]; heals: number } | null;
  /** Until then its container may be made anew because of what it died of, also when that has passed meanwhile. */
  anewUntil: number;
}

/** Errors are made by the thousand here, and nobody reads their stacks. */
Error.stackTraceLimit = 3;

/** Runs a sequence and throws at the first broken invariant. */
export async function simulate({ faults, salt }: Sequence): Promise<void> {
  const chance = createChance(salt);
  const oracles: Record<Name, Oracle> = { api: newOracle(), ui: newOracle() };
  const stage = setStage({
    readyAfterMs: READY_AFTER_MS,
    settings: { pingIntervalMs: 20_000 },
    parts: {
      diagnose: ({ log }) => {
        const cause = log.at(-1)?.split(' ')[1] ?? '';
        return cause in CAUSES ? CAUSES[cause as Cause] : null;
      },
      heal: (service) => {
        const { sick } = oracles[service === 'ui' ? 'ui' : 'api'];
        if (sick !== null) sick.heals += 1;
        return true;
      },
    },
  });
  const { clock, engine } = stage;
  const loops: Record<Name, number> = { api: 0, ui: 0 };
  const brittle: Record<Name, { afterMs: number; times: number }> = {
    api: { afterMs: 0, times: 0 },
    ui: { afterMs: 0, times: 0 },
  };
  let bad: { how: Extract<Fault, { kind: 'bad-calls' }>['how']; count: number } | null = null;
  let crashAfterCalls: number | null = null;
  let crashing = false;
  let problem: string | null = null;
  const fail = (message: string) => {
    problem ??= `${message} (at ${clock.monotonicMs()} ms)`;
  };
  const container = (name: Name): ScriptedContainer | undefined =>
    [...engine.containers.values()].find(
      (candidate) => candidate.facts.labels['com.docker.compose.service'] === name,
    );
  /** `AI_SANDBOX_TRACE=1` tells what happens, for the replay of a failure. */
  const trace = (line: string) => {
    if (process.env['AI_SANDBOX_TRACE'] === '1') console.log(`${clock.monotonicMs()} ${line}`);
  };
  const forgive = (name: Name) => {
    oracles[name].crashes = null;
  };

  engine.treat = (call) => {
    trace(`call ${call.name} ${call.container}`);
    judgeCall(call);
    if (crashAfterCalls !== null && !crashing && --crashAfterCalls < 0) {
      crashAfterCalls = null;
      crashing = true;
    }
    const name = serviceOf(call);
    const target = engine.containers.get(call.object);
    // Also where the engine does not answer: the stop may have reached it.
    if (call.name === 'stopContainer') {
      stopping.add(call.object);
      // Who asks a container to stop whose end it has not seen yet takes that end for an answer too.
      if (name !== null && target?.facts.state === 'exited') forgive(name);
    }
    if (call.name === 'startContainer') stopping.delete(call.object);
    if (bad !== null && bad.count > 0 && chance() < 0.7) {
      bad.count -= 1;
      if (name !== null && (call.name === 'startContainer' || call.name === 'killContainer')) forgive(name);
      // An engine that does not answer whether it is there counts as away, and may be blamed for an unseen exit.
      if (call.name === 'info') for (const each of NAMES) forgive(each);
      return treatmentOf(bad.how, chance);
    }
    const afterMs = 1 + Math.floor(chance() * 20);
    if (name !== null && call.name === 'startContainer' && brittle[name].times > 0) {
      brittle[name].times -= 1;
      void clock.sleep(afterMs + brittle[name].afterMs).then(() => {
        const started = engine.containers.get(call.object);
        if (started?.facts.state === 'running') crash(name, started, 1, false);
      });
    }
    if (name !== null && call.name === 'killContainer' && target?.hung === true) countFailure(name);
    return { kind: 'answer', afterMs, thenMs: Math.floor(chance() * 40) };
  };

  /** Every call that changes something is judged against what the simulation knows. */
  const judgeCall = (call: ScriptedCall) => {
    const name = serviceOf(call);
    if (name === null) return;
    const target = engine.containers.get(call.object);
    const oracle = oracles[name];
    if (call.name === 'startContainer') {
      if (!oracle.wanted) fail(`${name} was started though a user stopped it`);
      if (oracle.sick !== null) judgeSickStart(name, oracle.sick, call.at);
      if (oracle.crashes !== null && target?.facts.state === 'exited') {
        const waited = (call.at - oracle.crashedAt) / 1_000;
        const due = CURVE_SECONDS[Math.min(oracle.crashes, CURVE_SECONDS.length - 1)] ?? 300;
        if (waited < due - 0.5) {
          fail(`${name} was started ${waited} s after crash ${oracle.crashes} in a row, not ${due} s`);
        }
      }
    }
    // A sick one may be made anew to heal it.
    const ill = oracle.sick !== null || call.at < oracle.anewUntil;
    const disturbs = !ill && ['stopContainer', 'killContainer', 'removeContainer'].includes(call.name);
    if (disturbs && oracle.wanted && target !== undefined && isHealthy(target) && !asked.has(name)) {
      fail(`${call.name} of a healthy ${name}`);
    }
  };
  /** Never a loop on a fatal cause, and a settled pace on every other. */
  const judgeSickStart = (name: Name, sick: NonNullable<Oracle['sick']>, at: number) => {
    sick.starts = [...sick.starts.filter((start) => at - start < 1_800_000), at];
    const healable = ['context', 'access', 'damaged'].includes(sick.cause);
    if (sick.cause === 'fatal' && sick.starts.length > FATAL_STARTS + excused) {
      fail(`${name} was started ${sick.starts.length} times on a fatal cause`);
    }
    if (sick.starts.length > SETTLED_STARTS + excused) {
      fail(`${name} was started ${sick.starts.length} times in half an hour on ${sick.cause}`);
    }
    const limit = 1 + excused;
    if (healable && sick.heals > limit) fail(`${name} was healed ${sick.heals} times of ${sick.cause}`);
  };
  /** What happens beside a sickness (users, lost state, daemon and engine restarts) may each cost further starts. */
  let excused = 0;
  const serviceOf = (call: ScriptedCall): Name | null => {
    const found = NAMES.find((name) => call.container === `ai-sandbox-${name}`);
    return found ?? null;
  };
  /** Answered every probe for longer than three misses can hide behind. */
  const isHealthy = (target: ScriptedContainer): boolean =>
    target.facts.state === 'running' && !target.hung && clock.monotonicMs() - hungUntil > 70_000;
  let hungUntil = Number.NEGATIVE_INFINITY;
  /** Services a user asked to restart: their stop is no disturbance. */
  const asked = new Set<Name>();

  const checkAlways = () => {
    for (const name of NAMES) {
      const same = [...engine.containers.values()].filter(
        (candidate) => candidate.facts.labels['com.docker.compose.service'] === name,
      );
      if (same.length > 1) fail(`${same.length} containers for ${name}`);
    }
    const memory: ServicesMemory = stage.section.get();
    if (!MEMORY.Check(memory)) fail('the state file cannot be read');
    const { services } = stage.supervisor.snapshot();
    for (const name of NAMES) {
      const view = services[name];
      if (view === undefined) fail(`${name} is missing from the snapshot`);
      else if (!VIEWS.Check(services)) fail('a view breaks its contract');
    }
  };

  const pass = async (ms: number) => {
    for (let left = ms; left > 0 && problem === null; ) {
      const slice = Math.min(left, 1_000);
      await clock.advance(slice);
      left -= slice;
      if (crashing) {
        crashing = false;
        await stage.crash();
        for (const name of NAMES) keepCrashes(name);
        stage.boot();
      }
      for (const name of NAMES) {
        const found = container(name);
        if (found?.facts.state === 'running' && loops[name] > 0 && ageMs(found) > 4_000 + chance() * 20_000) {
          loops[name] -= 1;
          crash(name, found, 1, false);
        }
        const oracle = oracles[name];
        const { sick } = oracle;
        if (found?.facts.state === 'running' && sick !== null && ageMs(found) >= sick.afterSeconds * 1_000) {
          say(found, `${name} ${sick.cause}`);
          if (sick.cause === 'access') oracle.anewUntil = clock.monotonicMs() + ANEW_MS;
          crash(name, found, 1, false);
        }
        const healthy = found?.facts.state === 'running' && !found.hung && ageMs(found) > READY_AFTER_MS;
        oracle.readySince = healthy ? (oracle.readySince ?? clock.monotonicMs()) : null;
        if (oracle.readySince !== null && clock.monotonicMs() - oracle.readySince > 590_000) forgive(name);
        if (found?.hung === true) hungUntil = clock.monotonicMs();
      }
    }
    checkAlways();
    if (problem !== null) throw new Error(problem);
  };
  const ageMs = (found: ScriptedContainer) =>
    clock.monotonicMs() - (found.startedAtMs ?? clock.monotonicMs());
  /** A record that was not written yet when the daemon died is lost: then the count is not known. */
  const keepCrashes = (name: Name) => {
    if (clock.monotonicMs() - oracles[name].crashedAt < 1_000) forgive(name);
  };
  const crash = (name: Name, found: ScriptedContainer, code: number, oom: boolean) => {
    trace(`${name} crashes`);
    // Who asks a container to stop takes its end for an answer, whatever it dies of meanwhile.
    if (!stopping.has(found.facts.id)) countFailure(name);
    // An exit that nobody can tell from the engine's own absence may be laid at its door.
    if (!engine.up || cut) forgive(name);
    engine.exit(found.facts.id, code, { oom });
  };
  /** The last words of a run. */
  const say = (found: ScriptedContainer, text: string) => {
    // An engine notes the end of a process after its last line.
    const timestamp = new Date(clock.now().getTime() - 1).toISOString();
    found.log = [{ timestamp, stream: 'stderr', text }];
  };
  const countFailure = (name: Name) => {
    const oracle = oracles[name];
    if (oracle.crashes !== null) oracle.crashes += 1;
    oracle.crashedAt = clock.monotonicMs();
    oracle.readySince = null;
  };
  let cut = false;
  /** Containers that were asked to stop and not started since. */
  const stopping = new Set<string>();

  await pass(10_000);
  for (const fault of faults) {
    trace(JSON.stringify(fault));
    await apply(fault);
    await pass(50 + Math.floor(chance() * 3_000));
  }
  // Faults end here; whatever is wanted must come back by itself.
  bad = null;
  crashAfterCalls = null;
  engine.dropEvents = false;
  engine.eventDelayMs = 1;
  for (const name of NAMES) await mend(name);
  loops.api = 0;
  loops.ui = 0;
  brittle.api.times = 0;
  brittle.ui.times = 0;
  for (let waited = 0; !isConverged(); waited += CONVERGENCE_STEP_MS) {
    if (waited > CONVERGENCE_LIMIT_MS) throw new Error(`not converged: ${describe(stage)}`);
    await pass(waited < 2 * CONVERGENCE_STEP_MS ? CONVERGENCE_STEP_MS / 4 : CONVERGENCE_STEP_MS);
  }
  await stage.crash();

  /** Somebody mends what a service dies of, and asks for it where that is needed. */
  async function mend(name: Name): Promise<void> {
    const oracle = oracles[name];
    const found = container(name);
    if (found !== undefined) found.log = [];
    if (oracle.sick === null) return;
    oracle.sick = null;
    forgive(name);
    if (!oracle.wanted) return;
    await pass(1_000);
    stage.supervisor.start(name).catch(() => undefined);
  }

  function isConverged(): boolean {
    const { services, problems } = stage.supervisor.snapshot();
    return (
      problems.length === 0 &&
      NAMES.every((name) => {
        const found = container(name);
        const running = found?.facts.state === 'running' && !found.hung;
        if (!oracles[name].wanted)
          return !(found?.facts.state === 'running') && services[name]?.wanted === false;
        return running === true && services[name]?.service_status === 'running';
      })
    );
  }

  async function apply(fault: Fault): Promise<void> {
    if (!['wait', 'sick'].includes(fault.kind)) excused += EXCUSED_STARTS;
    switch (fault.kind) {
      case 'sick': {
        const name = NAMES[fault.service];
        await mend(name);
        const { cause, afterSeconds } = fault;
        oracles[name].sick = { cause, afterSeconds, starts: [], heals: 0 };
        return;
      }
      case 'wait':
        return pass(fault.seconds * 1_000);
      case 'exit': {
        const found = container(NAMES[fault.service]);
        if (found?.facts.state === 'running') crash(NAMES[fault.service], found, fault.code, fault.oom);
        return;
      }
      case 'crash-loop':
        loops[NAMES[fault.service]] = fault.times;
        return;
      case 'brittle':
        brittle[NAMES[fault.service]] = { afterMs: fault.afterMs, times: fault.times };
        return;
      case 'hang': {
        const found = container(NAMES[fault.service]);
        if (found?.facts.state !== 'running') return;
        found.hung = true;
        hungUntil = clock.monotonicMs();
        return;
      }
      case 'foreign-kill': {
        const found = container(NAMES[fault.service]);
        forgive(NAMES[fault.service]);
        if (found !== undefined) engine.foreignKill(found.facts.id, String(fault.signal));
        return;
      }
      case 'foreign-remove': {
        const found = container(NAMES[fault.service]);
        forgive(NAMES[fault.service]);
        if (found !== undefined) engine.foreignRemove(found.facts.id);
        return;
      }
      case 'foreign-start': {
        const found = container(NAMES[fault.service]);
        forgive(NAMES[fault.service]);
        if (found !== undefined) engine.foreignStart(found.facts.id);
        return;
      }
      case 'lose-events':
        engine.dropEvents = true;
        await pass(fault.seconds * 1_000);
        engine.dropEvents = false;
        return;
      case 'late-events':
        engine.eventDelayMs = fault.milliseconds;
        for (const name of NAMES) forgive(name);
        return;
      case 'cut-events':
        cut = true;
        engine.cutEvents(fault.seconds * 1_000);
        await pass(fault.seconds * 1_000 + 100);
        cut = false;
        return;
      case 'bad-calls':
        bad = { how: fault.how, count: fault.count };
        return;
      case 'daemon-crash':
        crashAfterCalls = fault.afterCalls;
        return;
      case 'state-lost':
        await stage.crash();
        stage.section.text = JSON.stringify(EMPTY_MEMORY);
        for (const name of NAMES) {
          forgive(name);
          oracles[name].wanted = true;
        }
        stage.boot();
        return;
      case 'engine-restart':
        for (const name of NAMES) forgive(name);
        engine.goDown({ keepContainers: fault.keep });
        await pass(fault.seconds * 1_000);
        engine.comeUp();
        return;
      case 'user': {
        const name = NAMES[fault.service];
        forgive(name);
        oracles[name].wanted = fault.action !== 'stop';
        if (fault.action === 'restart') asked.add(name);
        const done = stage.supervisor[fault.action](name);
        done.catch(() => undefined);
        if (fault.action === 'stop') asked.delete(name);
        return;
      }
    }
  }
}

function diagnosed(code: Diagnosis['code'], signature: string, values: Diagnosis['values'] = {}): Diagnosis {
  return { code, signature, class: null, detail: `words about ${code}`, remedy: null, line: null, values };
}

function newOracle(): Oracle {
  return { wanted: true, crashes: 0, crashedAt: 0, readySince: null, sick: null, anewUntil: 0 };
}

function treatmentOf(how: Extract<Fault, { kind: 'bad-calls' }>['how'], chance: () => number): Treatment {
  switch (how) {
    case 'fail':
      return { kind: 'fail', afterMs: 5, error: engineError('refused') };
    case 'conflict':
      return { kind: 'fail', afterMs: 5, error: engineError('conflict') };
    case 'slow':
      return { kind: 'answer', afterMs: 500 + Math.floor(chance() * 9_000) };
    case 'hang':
      return { kind: 'hang', deadlineMs: 20_000 };
    case 'deaf':
      return { kind: 'deaf', afterMs: Math.floor(chance() * 3_000), deadlineMs: 20_000 };
  }
}

/** What the services look like when they do not come back, for the message. */
function describe(stage: Stage): string {
  const views = stage.supervisor.snapshot();
  const containers = [...stage.engine.containers.values()].map(
    ({ facts }) => `${facts.name} ${facts.id.slice(0, 5)} ${facts.state}`,
  );
  const services = Object.entries(views.services).map(
    ([name, view]) =>
      `${name}: ${view.service_status}, wanted ${view.wanted}, waits for ${view.waiting_for}, next ${view.next_restart_at}, ${view.problem?.code}`,
  );
  return [...services, ...containers, JSON.stringify(views.problems), stage.section.text].join('; ');
}

/** Mulberry32: a small generator whose whole state is its seed. */
function createChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
