import { parseArgs } from 'node:util';
import { startHub } from './hub.ts';
import { repositoryFromFolder } from './repository.ts';

const USAGE = `usage: node test/stand-ins/hub/main.ts --model ORG/NAME=DIR [--model …] [options]

A model hub on 127.0.0.1 for machines that reach none. Its address is the first line printed; SIGTERM ends it.

  --model ORG/NAME=DIR     serve the files of a folder as this model
  --gated ORG/NAME         this model's terms have to be accepted
  --token TOKEN=ORG/NAME   know only such tokens; the model's terms are accepted by it (ORG/NAME may be empty)
  --port PORT              default: any free one
  --throttle BYTES         bytes a second for each connection
`;

/** Reads `NAME=VALUE` into its two halves. */
function halves(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`${text} is not of the form NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', multiple: true },
      gated: { type: 'string', multiple: true },
      token: { type: 'string', multiple: true },
      port: { type: 'string' },
      throttle: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true || values.model === undefined) {
    process.stdout.write(USAGE);
    process.exitCode = values.help === true ? 0 : 64;
    return;
  }
  const models = await Promise.all(
    values.model.map(async (text) => {
      const [id, folder] = halves(text);
      const gated = values.gated?.includes(id) === true ? ({ gated: 'auto' } as const) : {};
      return { ...(await repositoryFromFolder(id, folder)), ...gated };
    }),
  );
  const tokens: Record<string, string[]> = {};
  for (const text of values.token ?? []) {
    const [token, id] = halves(text);
    tokens[token] = [...(tokens[token] ?? []), id];
  }
  const hub = await startHub({
    models,
    port: Number(values.port ?? 0),
    ...(values.token === undefined ? {} : { tokens }),
    ...(values.throttle === undefined ? {} : { throttle: Number(values.throttle) }),
  });
  process.stdout.write(`${hub.url}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => hub.close());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
