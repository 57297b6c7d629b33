import type { PhaseView } from '../status/schema.ts';
import type { Moment } from './moment.ts';

/** A phase as it is remembered: with moments, so that its seconds are right across restarts. */
export interface PhaseMemory {
  name: string;
  state: PhaseView['state'];
  started: Moment | null;
  finished: Moment | null;
}
