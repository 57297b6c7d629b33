import { containerPort, flagValue } from '../compose/served-model.ts';
import type { ServiceSpec } from '../compose/service-spec.ts';

/**
 * Whether the page of `ui` is set to talk to `api` with its key, by the two services of the file: one of the addresses in
 * `OPENAI_API_BASE_URLS` (or `…_URL`; several are separated by `;`) names the api on the network and its port, and the key at
 * the same place is the engine's.
 */
export function pointsToApi(ui: ServiceSpec, api: ServiceSpec): boolean {
  const env = ui.environment;
  if (/^(?:false|0|no)$/i.test(env['ENABLE_OPENAI_API'] ?? '')) return false;
  const urls = listOf(env['OPENAI_API_BASE_URLS'] || env['OPENAI_API_BASE_URL']);
  const keys = listOf(env['OPENAI_API_KEYS'] || env['OPENAI_API_KEY']);
  const key = flagValue(api.command ?? [], '--api-key') ?? api.environment['VLLM_API_KEY'] ?? '';
  return urls.some((url, index) => isAddressOf(url, api, ui) && (key === '' || keys[index] === key));
}

function isAddressOf(text: string, api: ServiceSpec, ui: ServiceSpec): boolean {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false;
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const names = [
    api.name,
    api.containerName,
    ...(api.hostname === null ? [] : [api.hostname]),
    ...api.networks.flatMap(({ aliases, ipv4Address }) => [
      ...aliases,
      ...(ipv4Address === null ? [] : [ipv4Address]),
    ]),
  ];
  if (names.includes(url.hostname)) return port === containerPort(api);
  const onHost = ui.networkMode === 'host' && LOOPBACK_NAMES.has(url.hostname);
  return (
    (onHost || url.hostname === HOST_NAME) && api.ports.some((published) => published.published === port)
  );
}

/** The name by which a container reaches what the host publishes, and those by which one in the host's network does. */
const HOST_NAME = 'host.docker.internal';
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1']);

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(';').map((part) => part.trim());
}
