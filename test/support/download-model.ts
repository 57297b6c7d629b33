import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { createThreadedDownload } from '../../src/model/download/thread.ts';
import { createHub } from '../../src/model/hub.ts';
import { createModelKeeper } from '../../src/model/keeper.ts';

// A process of its own that fetches one model, for tests that kill it: node download-model.ts ENDPOINT ID DIRECTORY
const [endpoint = '', text = '', directory = ''] = process.argv.slice(2);
const access = { endpoint, token: () => null, caFile: null };
const hub = createHub({ ...access, clock: systemClock });
const keeper = createModelKeeper({
  hub,
  download: createThreadedDownload(access),
  clock: systemClock,
  log: silentLog,
  reserveBytes: 0,
});
const stop = new AbortController();
keeper.onChange(() => {
  if (keeper.snapshot().complete) stop.abort();
});
keeper.setWanted({ text, directory });
await keeper.run(stop.signal);
await hub.close();
