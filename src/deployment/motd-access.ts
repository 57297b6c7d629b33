import { isLoopbackHost } from '../lib/loopback.ts';
import { toAsciiLine, wrapLine } from '../lib/plain-text.ts';
import type { Status } from '../status/schema.ts';
import { entry, MOTD_WIDTH, type MotdOptions } from './motd-layout.ts';

/** vLLM checks its key under `/v1` only. */
const API_IS_OPEN =
  'The API key guards /v1 alone; /metrics and /health of the API answer everybody. Who has the key can use the GPU: keep it secret.';

/** Ids that may stand inside the quotes of a shell command as they are. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

/** How to use what is deployed, and what protects it: addresses, credentials, an example, the note on security. */
export function access(status: Status, options: MotdOptions): string[][] {
  return [addresses(status, options), example(status, options), security(options)];
}

function addresses(status: Status, options: MotdOptions): string[] {
  const { ui, api } = status.links;
  return [
    'Access',
    ...(ui === null ? [] : entry('Chat', ui)),
    ...(api === null ? [] : entry('API', `${api}/v1 (OpenAI compatible)`)),
    ...(status.model.model_identifier === null ? [] : entry('Model', status.model.model_identifier)),
    ...entry(
      'Credentials',
      options.credentialsFile === null
        ? `${options.envFile} (root only): WEBUI_ADMIN_EMAIL and WEBUI_ADMIN_PASSWORD for the chat, VLLM_API_KEY for the API`
        : `${options.credentialsFile} (its owner only): sign-in of the chat, key of the API`,
    ),
  ];
}

function example(status: Status, options: MotdOptions): string[] {
  const { links, model } = status;
  if (links.api === null || model.model_identifier === null) return [];
  const id = model.model_identifier;
  const line = (name: string) => `    -d '{"model": "${name}",`;
  const shown = SAFE_ID.test(id) && line(id).length + 2 <= MOTD_WIDTH ? id : `'"$MODEL_ID"'`;
  const command = [
    ...secrets(options, shown !== id).map((each) => `  ${toAsciiLine(each)}`),
    `  curl ${toAsciiLine(links.api)}/v1/chat/completions \\`,
    '    -H "Authorization: Bearer $VLLM_API_KEY" \\',
    '    -H "Content-Type: application/json" \\',
    line(shown),
    `         "messages": [{"role": "user", "content": "Hello"}]}'`,
  ];
  const title = options.credentialsFile === null ? 'Try the API (as root)' : 'Try the API';
  return command.some((each) => each.length > MOTD_WIDTH) ? [] : [title, ...command];
}

/** Commands that set VLLM_API_KEY, and MODEL_ID where wanted, from the file that the reader of this message may read. */
function secrets({ credentialsFile, envFile }: MotdOptions, withModel: boolean): string[] {
  if (credentialsFile === null) return [`. ${envFile}`];
  const value = (name: string, key: string) => `${name}=$(sed -n 's/^${key}: //p' ${credentialsFile})`;
  return [value('VLLM_API_KEY', 'API key'), ...(withModel ? [value('MODEL_ID', 'Model')] : [])];
}

function security(options: MotdOptions): string[] {
  const all = Object.values(options.published).flat();
  const open = all.filter(({ hostIp }) => !isLoopbackHost(hostIp)).map(({ hostPort }) => hostPort);
  const closed = all.filter(({ hostIp }) => isLoopbackHost(hostIp)).map(({ hostPort }) => hostPort);
  const plain =
    'Chat and API speak plain HTTP: without a proxy with TLS in front, anybody on the way can read along.';
  return [
    open.length > 0 ? 'SECURITY WARNING' : 'Security',
    ...wrapLine(plain, MOTD_WIDTH, '  '),
    ...(open.length === 0 ? [] : wrapLine(openText(ports(open)), MOTD_WIDTH, '  ')),
    ...(isOpen(options.published['api']) ? wrapLine(API_IS_OPEN, MOTD_WIDTH, '  ') : []),
    ...(closed.length === 0 ? [] : wrapLine(closedText(ports(closed)), MOTD_WIDTH, '  ')),
    ...(all.length === 0 ? [] : tunnel(ports(all.map(({ hostPort }) => hostPort)), options.ssh)),
  ];
}

function openText(list: number[]): string {
  return `${portsText(list)} ${list.length > 1 ? 'are' : 'is'} open to every network of this machine. Ports that Docker publishes bypass ufw: close them in the firewall of your provider (Linode: Cloud Firewall), or bind them to 127.0.0.1 in the compose file.`;
}

function closedText(list: number[]): string {
  return `${portsText(list)} ${list.length > 1 ? 'answer' : 'answers'} on this machine only.`;
}

function tunnel(list: number[], ssh: string): string[] {
  const forwards = list.map((port) => `-L ${port}:localhost:${port}`).join(' ');
  const where = list.map((port) => `http://localhost:${port}`).join(' and ');
  return [
    ...wrapLine(`Encrypted, from your own machine, then at ${where}:`, MOTD_WIDTH, '  '),
    ...wrapLine(`ssh ${forwards} ${toAsciiLine(ssh)}`, MOTD_WIDTH, '    '),
  ];
}

function portsText(list: number[]): string {
  return `${list.length > 1 ? 'Ports' : 'Port'} ${list.join(' and ')}`;
}

function ports(list: number[]): number[] {
  return [...new Set(list)].sort((a, b) => a - b);
}

function isOpen(bindings: MotdOptions['published'][string] = []): boolean {
  return bindings.some(({ hostIp }) => !isLoopbackHost(hostIp));
}
