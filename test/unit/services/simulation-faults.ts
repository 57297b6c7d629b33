import fc from 'fast-check';

/** One of the two services of the simulated file. */
export type Name = 'api' | 'ui';
export const NAMES = ['api', 'ui'] as const satisfies readonly Name[];

/**
 * What every run of a service dies of until it is over: `fatal`, and what its heal does not cure, need a person; `host` and
 * `transient` pass; `context`, `access` and `damaged` are cured by their heal.
 */
export type Cause = 'fatal' | 'host' | 'transient' | 'context' | 'access' | 'damaged';

/** How calls go wrong. */
export type BadCall = 'fail' | 'slow' | 'hang' | 'deaf' | 'conflict';

/** One thing that goes wrong, or time that passes. Numbers are small so that they shrink well. */
export type Fault =
  | { kind: 'wait'; seconds: number }
  | { kind: 'exit'; service: Name; code: number; oom: boolean }
  | { kind: 'crash-loop'; service: Name; times: number }
  | { kind: 'brittle'; service: Name; afterMs: number; times: number }
  | { kind: 'hang'; service: Name }
  | { kind: 'sick'; service: Name; cause: Cause; afterSeconds: number; curable: boolean }
  | { kind: 'foreign-kill'; service: Name; signal: 9 | 15 }
  | { kind: 'foreign-remove'; service: Name }
  | { kind: 'foreign-start'; service: Name }
  | { kind: 'foreign-rename'; service: Name }
  | { kind: 'second'; service: Name; running: boolean }
  | { kind: 'stranger'; service: Name; seconds: number }
  | { kind: 'networks-pruned' }
  | { kind: 'image-gone'; service: Name; failingPulls: number }
  | { kind: 'refused-starts'; service: Name; times: number }
  | { kind: 'lose-events'; seconds: number }
  | { kind: 'late-events'; milliseconds: number }
  | { kind: 'cut-events'; seconds: number }
  | { kind: 'bad-calls'; how: BadCall; count: number }
  | { kind: 'engine-restart'; seconds: number; keep: boolean }
  | { kind: 'daemon-crash'; afterCalls: number; downMs: number }
  | { kind: 'state-lost' }
  | { kind: 'bad-disk'; how: 'full' | 'slow'; seconds: number }
  | { kind: 'power-cut'; seconds: number }
  | { kind: 'wall-jump'; seconds: number }
  | { kind: 'new-file'; service: Name }
  | { kind: 'user'; action: 'start' | 'stop' | 'restart'; service: Name };

/** A whole run: what happens, and the seed of everything that is left to chance in between. */
export interface Sequence {
  /** The daemon dies at this call of its first life; null: it lives until a fault ends it. */
  firstDeathAt: number | null;
  faults: Fault[];
  salt: number;
}

const service = fc.constantFrom<Name>(...NAMES);
const kind = <K extends Fault['kind']>(name: K) => fc.constant(name);
const whole = (min: number, max: number) => fc.integer({ min, max });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: kind('wait'), seconds: whole(1, 20) }),
  fc.record({ kind: kind('wait'), seconds: whole(20, 100) }),
  fc.record({ kind: kind('exit'), service, code: fc.constantFrom(0, 1, 137, 139), oom: fc.boolean() }),
  {
    weight: 10,
    arbitrary: fc.record({ kind: kind('crash-loop'), service, times: whole(3, 5) }),
  },
  fc.record({ kind: kind('brittle'), service, afterMs: whole(0, 30), times: whole(1, 3) }),
  fc.record({ kind: kind('hang'), service }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('sick'),
      service,
      cause: fc.constantFrom<Cause>('fatal', 'host', 'transient', 'context', 'access', 'damaged'),
      afterSeconds: whole(1, 30),
      curable: fc.boolean(),
    }),
  },
  fc.record({ kind: kind('foreign-kill'), service, signal: fc.constantFrom<9 | 15>(9, 15) }),
  fc.record({ kind: kind('foreign-remove'), service }),
  fc.record({ kind: kind('foreign-start'), service }),
  fc.record({ kind: kind('foreign-rename'), service }),
  fc.record({ kind: kind('second'), service, running: fc.boolean() }),
  fc.record({ kind: kind('stranger'), service, seconds: whole(1, 60) }),
  fc.record({ kind: kind('networks-pruned') }),
  fc.record({ kind: kind('image-gone'), service, failingPulls: whole(0, 3) }),
  fc.record({ kind: kind('refused-starts'), service, times: whole(1, 5) }),
  fc.record({ kind: kind('lose-events'), seconds: whole(1, 20) }),
  fc.record({ kind: kind('late-events'), milliseconds: whole(1, 3_000) }),
  fc.record({ kind: kind('cut-events'), seconds: whole(1, 5) }),
  fc.record({
    kind: kind('bad-calls'),
    how: fc.constantFrom<BadCall>('fail', 'slow', 'hang', 'deaf', 'conflict'),
    count: whole(1, 4),
  }),
  fc.record({ kind: kind('engine-restart'), seconds: whole(1, 15), keep: fc.boolean() }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('daemon-crash'),
      afterCalls: whole(0, 12),
      downMs: whole(1, 3_000),
    }),
  },
  fc.record({ kind: kind('state-lost') }),
  fc.record({
    kind: kind('bad-disk'),
    how: fc.constantFrom<'full' | 'slow'>('full', 'slow'),
    seconds: whole(1, 60),
  }),
  fc.record({ kind: kind('power-cut'), seconds: whole(1, 60) }),
  fc.record({ kind: kind('wall-jump'), seconds: whole(-100_000, 100_000) }),
  fc.record({ kind: kind('new-file'), service }),
  fc.record({ kind: kind('wait'), seconds: whole(300, 1_200) }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('user'),
      action: fc.constantFrom<'start' | 'stop' | 'restart'>('start', 'stop', 'restart'),
      service,
    }),
  },
);

/** Sequences as the ordinary run meets them; one in four begins with a death among the first calls. */
export const sequences: fc.Arbitrary<Sequence> = fc.record({
  firstDeathAt: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: whole(0, 24) }),
  faults: fc.array(fault, { minLength: 1, maxLength: 8 }),
  salt: whole(0, 0x7fff_ffff),
});

/** Mulberry32: a small generator whose whole state is its seed. */
export function createChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
