import type { LivePart } from './part-fetch.ts';
import type { Part } from './plan.ts';

/** The parts on their way, each with the work that ends when its connection has. */
export interface Flights {
  readonly parts: readonly LivePart[];
  /** Adds a part and begins its work; the promise settles with it. */
  begin(part: Part, work: (part: LivePart) => Promise<void>): Promise<void>;
  /** The parts of a file, by its index. */
  of(file: number): LivePart[];
  /** Resolves when all parts of the same file but this one have ended. */
  othersEnded(part: LivePart): Promise<void>;
}

/** None yet. */
export function createFlights(): Flights {
  const flights = new Map<LivePart, Promise<void>>();
  let parts: readonly LivePart[] = [];
  const noted = () => {
    parts = [...flights.keys()];
  };
  const of = (file: number) => parts.filter((part) => part.file === file);
  return {
    get parts() {
      return parts;
    },
    of,
    begin(wanted, work) {
      const part: LivePart = {
        ...wanted,
        position: wanted.from,
        writtenTo: wanted.from,
        receivedBytes: 0,
        bytesPerSecond: null,
      };
      const flight = Promise.resolve()
        .then(() => work(part))
        .finally(() => {
          flights.delete(part);
          noted();
        });
      flights.set(part, flight);
      noted();
      return flight;
    },
    async othersEnded(part) {
      const others = of(part.file).filter((other) => other !== part);
      await Promise.allSettled(others.map((other) => flights.get(other)));
    },
  };
}
