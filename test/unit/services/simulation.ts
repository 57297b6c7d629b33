import { Compile } from 'typebox/compile';
import type { Supervisor } from '../../../src/services/types.ts';
import { StatusSchema } from '../../../src/status/schema.ts';
import { createChance, type Fault, NAMES, type Name, type Sequence } from './simulation-faults.ts';
import { TRACE } from './simulation-ground.ts';
import { newTally, type Tally } from './simulation-oracle.ts';
import { createWorld, type World } from './simulation-world.ts';

/** Time until both services are ready when nothing goes wrong, and some. */
const OPENING_MS = 10_000;
/** Between two checks, and how long after a fault they come so often. */
const SLICE_MS = 2_000;
const CLOSELY_MS = 30_000;
const IDLE_SLICE_MS = 15_000;
const CONVERGENCE_STEP_MS = 60_000;
/** Long enough for the slowest wait, a hung call and a reset of every pace, when no loop goes on. */
const CONVERGENCE_LIMIT_MS = 900_000;
/** While a loop goes on its waits come on top, eight of them at the most. */
const LOOP_PATIENCE = 4;
/** A second container of a service is gone after this while nothing else goes wrong. */
const SECOND_GONE_MS = 90_000;
/** Time until a daemon that was killed is started again. */
const RESTART_MS = 100;

const VIEWS = Compile(StatusSchema.properties.services);

/** Errors are made by the thousand here, and nobody reads their stacks. */
Error.stackTraceLimit = 3;

/** Runs a sequence and throws at the first broken invariant. */
export async function simulate(sequence: Sequence, tally: Tally = newTally()): Promise<void> {
  const chance = createChance(sequence.salt);
  let problem: string | null = null;
  const world = createWorld(chance, tally, (message) => {
    problem ??= `${message} (at ${world.clock.monotonicMs()} ms)`;
    if (TRACE) console.log(message);
  });
  const { clock, engine, daemon, oracles, troubles } = world;
  const now = () => clock.monotonicMs();
  const manySince: Record<Name, number | null> = { api: null, ui: null };
  /** What users asked of which life of the daemon, and is not answered yet. */
  const actions = new Map<Promise<void>, Supervisor | null>();
  let strangers: string[] = [];
  let callsSeen = 0;

  const check = () => {
    tally.slices += 1;
    for (const name of NAMES) {
      const count = world.containersOf(name).length;
      if (count < 2 || !world.isCalm()) manySince[name] = null;
      else manySince[name] ??= now();
      if (now() - (manySince[name] ?? now()) > SECOND_GONE_MS) fail(`${count} containers for ${name}`);
    }
    for (const name of NAMES) {
      const container = world.container(name);
      const running = container?.facts.state === 'running' && oracles[name].wanted === true;
      if (running) oracles[name].note(container, world.isOfOtherFile(name, container));
    }
    daemon.checkState(world.diskGoodSince());
    // Without a call there is nothing new to show.
    if (daemon.supervisor === null || engine.calls.length === callsSeen) return;
    callsSeen = engine.calls.length;
    const { services } = daemon.supervisor.snapshot();
    for (const name of NAMES) if (services[name] === undefined) fail(`${name} is missing from the snapshot`);
    if (!VIEWS.Check(services)) fail('a view breaks its contract');
  };
  const fail = (message: string) => {
    problem ??= `${message} (at ${now()} ms)`;
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; ) {
      const slice = Math.min(left, ms - left < CLOSELY_MS ? SLICE_MS : IDLE_SLICE_MS);
      await clock.advance(slice);
      left -= slice;
      check();
      if (problem !== null) throw new Error(problem);
    }
  };
  /** Whoever asks the daemon for something needs one. */
  const untilBorn = async () => {
    while (daemon.supervisor === null) await pass(SLICE_MS);
  };

  if (sequence.firstDeathAt !== null) world.dieAfter(sequence.firstDeathAt, RESTART_MS);
  await world.bootDaemon();
  await pass(OPENING_MS);
  for (const fault of sequence.faults) {
    if (TRACE) console.log(`${now()} ${JSON.stringify(fault)}`);
    await apply(fault);
    await pass(50 + Math.floor(chance() * 3_000));
  }
  // Faults end here; whatever is wanted must come back by itself.
  world.mend();
  await untilBorn();
  for (const name of NAMES) await recover(name);
  dismissStrangers();
  for (let waited = 0; !isConverged(); ) {
    if (waited > CONVERGENCE_LIMIT_MS) {
      const due = isAnswerDue() ? 'a user waits for an answer; ' : '';
      throw new Error(`not converged: ${due}${describe(world)}`);
    }
    const step = waited < CONVERGENCE_STEP_MS ? CONVERGENCE_STEP_MS / 4 : CONVERGENCE_STEP_MS;
    await pass(step);
    waited += NAMES.some(isLooping) ? step / LOOP_PATIENCE : step;
  }
  world.killDaemon();

  /** What a service dies of is over. Only a fatal cause needs a person who says so. */
  async function recover(name: Name): Promise<void> {
    const oracle = oracles[name];
    const { sick } = oracle;
    for (const container of world.containersOf(name)) container.log = [];
    if (sick === null) return;
    oracle.sick = null;
    const fatal = sick.cause === 'fatal' || (!sick.curable && ['context', 'damaged'].includes(sick.cause));
    if (!fatal || oracle.wanted !== true) return;
    await pass(1_000);
    await ask(name, 'start');
  }

  async function ask(name: Name, action: 'start' | 'stop' | 'restart'): Promise<void> {
    await untilBorn();
    const done = oracles[name].asks(action, () => daemon.supervisor![action](name));
    actions.set(done, daemon.supervisor);
    const settled = () => actions.delete(done);
    done.then(settled, settled);
  }

  function dismissStrangers(): void {
    for (const id of strangers) if (engine.containers.has(id)) engine.foreignRemove(id);
    strangers = [];
  }

  function isLooping(name: Name): boolean {
    return troubles.loops[name] > 0 || troubles.brittle[name].times > 0;
  }

  function isAnswerDue(): boolean {
    return [...actions.values()].includes(daemon.supervisor);
  }

  function isConverged(): boolean {
    const { services, problems } = daemon.supervisor!.snapshot();
    return (
      problems.length === 0 &&
      !isAnswerDue() &&
      NAMES.every((name) => {
        const all = world.containersOf(name);
        const running = all.filter(({ facts, hung }) => facts.state === 'running' && !hung).length;
        const view = services[name];
        if (all.length > 1) return false;
        if (oracles[name].wanted === false) return running === 0 && view?.wanted === false;
        return running === 1 && view?.service_status === 'running';
      })
    );
  }

  async function apply(fault: Fault): Promise<void> {
    const beside = fault.kind !== 'wait' && fault.kind !== 'sick';
    if (beside) for (const name of NAMES) oracles[name].excuse();
    const found = 'service' in fault ? world.container(fault.service) : undefined;
    const running = found?.facts.state === 'running' ? found : undefined;
    switch (fault.kind) {
      case 'wait':
        return pass(fault.seconds * 1_000);
      case 'exit':
        if (running !== undefined) engine.exit(running.facts.id, fault.code, { oom: fault.oom });
        return;
      case 'crash-loop':
        troubles.loops[fault.service] = fault.times;
        world.doom(fault.service);
        return;
      case 'brittle':
        troubles.brittle[fault.service] = { afterMs: fault.afterMs, times: fault.times };
        return;
      case 'hang':
        if (running === undefined) return;
        oracles[fault.service].hangs(running);
        running.hung = true;
        return;
      case 'sick': {
        await recover(fault.service);
        const { cause, afterSeconds, curable } = fault;
        oracles[fault.service].sick = { cause, afterSeconds, curable, starts: [], heals: 0, excused: 0 };
        // Runs that a loop ends say nothing of a cause.
        if (isLooping(fault.service)) oracles[fault.service].excuse();
        world.doom(fault.service);
        return;
      }
      case 'foreign-kill':
        if (found !== undefined) engine.foreignKill(found.facts.id, String(fault.signal));
        return;
      case 'foreign-remove':
        oracles[fault.service].unseen();
        if (found !== undefined) engine.foreignRemove(found.facts.id);
        return;
      case 'foreign-start':
        if (found === undefined || !engine.up || world.isConnectedToNothing(found)) return;
        oracles[fault.service].unseen();
        engine.foreignStart(found.facts.id);
        return;
      case 'foreign-rename':
        if (found !== undefined) engine.foreignRename(found.facts.id, `${fault.service}-renamed`);
        return;
      case 'second':
        world.addSecond(fault.service, fault.running);
        return;
      case 'stranger': {
        const id = world.addStranger(fault.service);
        if (id === null) return;
        strangers.push(id);
        if (chance() < 0.5)
          engine.foreignRemove(engine.byName(`ai-sandbox-${fault.service}-old`)?.facts.id ?? id);
        await pass(fault.seconds * 1_000);
        dismissStrangers();
        return;
      }
      case 'networks-pruned':
        world.pruneNetworks();
        return;
      case 'image-gone':
        troubles.failingPulls[fault.service] = fault.failingPulls;
        engine.images.delete(`image-${fault.service}`);
        oracles[fault.service].unseen();
        if (found !== undefined && chance() < 0.7) engine.foreignRemove(found.facts.id);
        return;
      case 'refused-starts':
        troubles.refusedStarts[fault.service] = fault.times;
        if (running !== undefined && chance() < 0.7) engine.exit(running.facts.id, 1);
        return;
      case 'lose-events':
        engine.dropEvents = true;
        await pass(fault.seconds * 1_000);
        engine.dropEvents = false;
        return;
      case 'late-events':
        engine.eventDelayMs = fault.milliseconds;
        return;
      case 'cut-events':
        world.cutEvents(fault.seconds * 1_000);
        return pass(fault.seconds * 1_000 + 100);
      case 'bad-calls':
        troubles.calls = { how: fault.how, count: fault.count };
        return;
      case 'engine-restart':
        world.stopEngine(fault.keep);
        await pass(fault.seconds * 1_000);
        world.startEngine();
        return;
      case 'daemon-crash':
        world.dieAfter(fault.afterCalls, fault.downMs);
        return;
      case 'state-lost':
        await untilBorn();
        world.loseState();
        await world.bootDaemon();
        return;
      case 'bad-disk':
        troubles.disk = fault.how;
        await pass(fault.seconds * 1_000);
        troubles.disk = null;
        return;
      case 'power-cut':
        await untilBorn();
        world.cutPower();
        await pass(fault.seconds * 1_000);
        world.startEngine();
        await world.bootDaemon();
        return;
      case 'wall-jump':
        clock.jumpWall(fault.seconds * 1_000);
        for (const name of NAMES) oracles[name].wallJumped();
        return;
      case 'new-file':
        await untilBorn();
        world.changeFile(fault.service);
        return;
      case 'user':
        return ask(fault.service, fault.action);
    }
  }
}

/** What the services look like when they do not come back, for the message. */
function describe({ daemon, engine }: World): string {
  const views = daemon.supervisor?.snapshot();
  const containers = [...engine.containers.values()].map(
    ({ facts }) => `${facts.name} ${facts.id.slice(0, 5)} ${facts.state}`,
  );
  const services = Object.entries(views?.services ?? {}).map(
    ([name, view]) =>
      `${name}: ${view.service_status}, wanted ${view.wanted}, waits for ${view.waiting_for}, next ${view.next_restart_at}, ${view.problem?.code}`,
  );
  return [...services, ...containers, JSON.stringify(views?.problems)].join('; ');
}
