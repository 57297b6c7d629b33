// Loaded into a daemon (--import) to see how long its event loop is kept from turning: at its end the delays of its
// life are written to LOOP_DELAY_FILE, in milliseconds.
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

// The sandbox of the unit answers setpriority(2) with EPERM, in every thread: what is measured is what is shipped.
os.setPriority = () => {
  throw new Error('setpriority: operation not permitted');
};
syncBuiltinESMExports();

const RESOLUTION_MS = 5;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
process.on('exit', () => {
  if (!isMainThread) return;
  // A loop that turns freely shows the resolution itself.
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const text = JSON.stringify({
    p50: ms(delays.percentile(50)),
    p99: ms(delays.percentile(99)),
    max: ms(delays.max),
  });
  writeFileSync(process.env.LOOP_DELAY_FILE, text);
});
