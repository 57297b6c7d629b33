import { describe, expect, it } from 'vitest';
import type { EngineError, PullProgress } from '../../../src/docker/engine.ts';
import { ConnectionLostError } from '../../../src/docker/errors.ts';
import { PULL_LIMITS, pull } from '../../../src/docker/pull.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { createManualClock } from '../../support/manual-clock.ts';

/** A pull whose bytes the test writes by hand, on a clock that the test moves. */
function handMadePull(imageIsThere = true) {
  const clock = createManualClock();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const progress: PullProgress[] = [];
  const outer = new AbortController();
  let engineSignal: AbortSignal | null = null;
  let outcome: 'running' | 'done' | EngineError = 'running';
  pull(
    {
      clock,
      redactor: createRedactor(),
      log: silentLog,
      limits: PULL_LIMITS,
      open: async (signal) => {
        engineSignal = signal;
        return readable;
      },
      isPresent: async () => imageIsThere,
    },
    'r/a:b',
    (next) => progress.push(next),
    outer.signal,
  ).then(
    () => {
      outcome = 'done';
    },
    (error) => {
      outcome = error;
    },
  );
  return {
    clock,
    progress,
    outer,
    outcome: () => outcome,
    engineWasToldToStop: () => engineSignal?.aborted === true,
    write: async (...lines: unknown[]) => {
      for (const line of lines) {
        const text = typeof line === 'string' ? line : `${JSON.stringify(line)}\n`;
        void writer.write(Buffer.from(text)).catch(() => undefined);
      }
      await clock.advance(0);
    },
    end: async () => {
      void writer.close().catch(() => undefined);
      await clock.advance(0);
    },
    breakOff: async () => {
      void writer.abort(new ConnectionLostError()).catch(() => undefined);
      await clock.advance(0);
    },
  };
}

const downloading = (current: number) => ({
  id: 'a',
  status: 'Downloading',
  progressDetail: { current, total: 100 },
});
const extracting = (current: number) => ({
  id: 'a',
  status: 'Extracting',
  progressDetail: { current, total: 100 },
});

function codeOf(outcome: 'running' | 'done' | EngineError): string {
  return typeof outcome === 'string' ? outcome : outcome.finding.code;
}

describe('a pull that stands still', () => {
  it('is given up 30 s after its last byte, and the engine is told', async () => {
    const test = handMadePull();
    await test.write(downloading(10));
    await test.clock.advance(29_000);
    await test.write(downloading(20));
    await test.clock.advance(29_999);
    expect(test.outcome()).toBe('running');
    await test.clock.advance(1);
    expect(codeOf(test.outcome())).toBe('image_pull_stalled');
    expect(test.engineWasToldToStop()).toBe(true);
  });

  it('is not kept alive by lines without bytes', async () => {
    const test = handMadePull();
    await test.write(downloading(10));
    for (let second = 0; second < 30; second += 1) {
      await test.write(downloading(10), { id: 'a', status: 'Retrying in 5 seconds' });
      await test.clock.advance(1_000);
    }
    expect(codeOf(test.outcome())).toBe('image_pull_stalled');
  });

  it('says after what it stood still', async () => {
    const test = handMadePull();
    await test.write(downloading(10), { id: 'a', status: 'Retrying in 5 seconds' });
    await test.clock.advance(30_000);
    expect(test.outcome()).toMatchObject({
      finding: { detail: 'pulling r/a:b stood still for 30 s after 10 bytes (a: Retrying in 5 seconds)' },
    });
  });

  it('has 10 minutes while a layer is extracted', async () => {
    const test = handMadePull();
    await test.write(downloading(100), { id: 'a', status: 'Download complete' }, extracting(1));
    await test.clock.advance(599_999);
    expect(test.outcome()).toBe('running');
    await test.clock.advance(1);
    expect(codeOf(test.outcome())).toBe('image_pull_stalled');
  });

  it('has a minute until the registry answers', async () => {
    const test = handMadePull();
    await test.clock.advance(59_999);
    expect(test.outcome()).toBe('running');
    await test.clock.advance(1);
    expect(codeOf(test.outcome())).toBe('image_pull_stalled');
  });
});

describe('the end of a pull', () => {
  it('is success only with the image there', async () => {
    const test = handMadePull();
    await test.write(downloading(100));
    await test.end();
    expect(test.outcome()).toBe('done');

    const without = handMadePull(false);
    await without.write({ id: 'a', status: 'Pull complete' });
    await without.end();
    expect(codeOf(without.outcome())).toBe('image_pull_failed');
  });

  it('is a failure after an error inside the stream, even if the image is there', async () => {
    const test = handMadePull();
    await test.write({ errorDetail: { message: 'unexpected EOF' } });
    expect(codeOf(test.outcome())).toBe('registry_unreachable');
  });

  it('is a failure after an error in a last line without line end', async () => {
    const test = handMadePull();
    await test.write('{"errorDetail":{"message":"manifest unknown"}}');
    await test.end();
    expect(codeOf(test.outcome())).toBe('image_not_found');
  });

  it('comes at once when the disk is full', async () => {
    const test = handMadePull();
    await test.write(downloading(10), { errorDetail: { message: 'write /x: no space left on device' } });
    expect(codeOf(test.outcome())).toBe('disk_full');
    expect(test.clock.monotonicMs()).toBe(0);
  });

  it('is a failure when the connection breaks', async () => {
    const test = handMadePull();
    await test.write(downloading(10));
    await test.breakOff();
    expect(codeOf(test.outcome())).toBe('docker_unreachable');
  });

  it('has the reason of the caller who gave it up', async () => {
    const test = handMadePull();
    await test.write(downloading(10));
    test.outer.abort('changed my mind');
    await test.clock.advance(0);
    expect(test.outcome()).toBe('changed my mind');
    expect(test.engineWasToldToStop()).toBe(true);
  });
});

it('a pull tolerates a line that is not JSON', async () => {
  const test = handMadePull();
  await test.write('<html>\n', downloading(50), '{"half\n');
  await test.end();
  expect(test.outcome()).toBe('done');
  expect(test.progress).toMatchObject([{ bytesDone: 50, bytesTotal: 100, phase: 'downloading' }]);
});

it('a pull leaves no timer behind', async () => {
  const test = handMadePull();
  await test.write(downloading(50));
  await test.end();
  expect(test.clock.untilNext()).toBeNull();
});
