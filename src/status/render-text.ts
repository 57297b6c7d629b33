import { formatBytes, formatBytesOf, formatDuration } from '../lib/human.ts';
import { printable } from '../lib/plain-text.ts';
import { downloadPhrase, progressAmounts } from './activity.ts';
import { missesTarget } from './expected.ts';
import type { GpuView, ServiceView, Status } from './schema.ts';
import { timeline } from './timeline.ts';

/** Options of {@link renderStatusText}. */
export interface RenderOptions {
  /** ANSI colours for problems and states; off by default. */
  colour?: boolean;
}

/** ANSI SGR codes. */
const COLOURS = { red: 31, green: 32, yellow: 33, bold: 1 } as const;

/** Width of the column of names. */
const LABEL_WIDTH = 12;

type Paint = (text: string, colour: keyof typeof COLOURS) => string;

/**
 * The status as text for a terminal; ends with a line end. Foreign text (log lines, names) is stripped of control
 * characters, so that it cannot steer the terminal.
 */
export function renderStatusText(raw: Status, options: RenderOptions = {}): string {
  const status = withPrintableTexts(raw);
  const paint: Paint = (text, colour) =>
    options.colour === true ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  const lines = [
    `${paint(`ai-sandbox ${status.version}`, 'bold')}, up ${formatDuration(status.uptime_seconds)}, ${status.time}`,
    '',
    label('Progress', progressText(status.progress)),
    label('Deployment', deploymentText(status.deployment)),
    ...timelineLines(status.deployment),
    label('Model', modelText(status.model)),
    ...Object.entries(status.services).map(([name, view]) => label(name, serviceText(view, paint))),
    label('Chats', chatText(status.chat)),
    label('Docker', dockerText(status.host.docker)),
    ...(status.host.gpus ?? []).map((gpu, at) => label(`GPU ${gpu.index ?? at}`, gpuText(gpu))),
    ...status.host.disks.map((disk) =>
      label('Disk', `${disk.path}: ${formatBytes(disk.bytes_free)} free of ${formatBytes(disk.bytes_total)}`),
    ),
    ...linkLines(status.links),
    ...problemLines(status.problems, paint),
  ];
  return `${lines.join('\n')}\n`;
}

/** What the driver tells of a GPU, without what it does not tell. */
function gpuText(gpu: GpuView): string {
  const { memory_bytes_used: used, memory_bytes_total: total, last_xid: xid } = gpu;
  return [
    gpu.name ?? gpu.uuid ?? 'unknown',
    ...(total === null ? [] : [used === null ? formatBytes(total) : `${formatBytesOf(used, total)} in use`]),
    ...(gpu.temperature_celsius === null ? [] : [`${gpu.temperature_celsius} °C`]),
    ...(gpu.driver_version === null ? [] : [`driver ${gpu.driver_version}`]),
    ...(xid === null ? [] : [`last XID ${xid.code} at ${xid.at}`]),
  ].join(', ');
}

function withPrintableTexts(status: Status): Status {
  return JSON.parse(JSON.stringify(status), (_key, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  ) as Status;
}

function label(name: string, text: string): string {
  return `${name.padEnd(LABEL_WIDTH)}${text}`;
}

function progressText(progress: Status['progress']): string {
  const amounts = progressAmounts(progress);
  return amounts === '' ? progress.phase : `${progress.phase}, ${amounts}`;
}

function deploymentText(deployment: Status['deployment']): string {
  const parts = [`${deployment.deployment_status.replace('_', ' ')}${durationText(deployment)}`];
  if (deployment.deployment_timestamp !== null) parts.push(`since ${deployment.deployment_timestamp}`);
  const where = [deployment.label, deployment.instance_type, deployment.region].filter(
    (word) => word !== null,
  );
  if (where.length > 0) parts.push(where.join(' '));
  return parts.join(', ');
}

/** How long it takes or took, against the target. */
function durationText(deployment: Status['deployment']): string {
  const { deployment_status, expected_seconds, target_seconds, target_met } = deployment;
  const target = `target of ${formatDuration(target_seconds)}`;
  if (deployment_status === 'completed' && expected_seconds !== null) {
    return ` in ${formatDuration(expected_seconds)} (${target} ${target_met === true ? 'met' : 'missed'})`;
  }
  if (!missesTarget(deployment)) return '';
  const known = expected_seconds === null ? '' : `, at least ${formatDuration(expected_seconds)} in all`;
  return ` (${target} missed${known})`;
}

/** Which phases overlap, while that is what one waits for. */
function timelineLines(deployment: Status['deployment']): string[] {
  return deployment.deployment_status === 'completed'
    ? []
    : timeline(deployment).map((line) => label('', line));
}

function modelText(model: Status['model']): string {
  const parts = [`${model.model_identifier ?? 'none'}${model.pinned ? ' (pinned)' : ''}`];
  parts.push(
    model.download_status === 'downloading'
      ? downloadPhrase(model.download)
      : `download ${model.download_status}`,
  );
  if (model.load.phase !== null) {
    parts.push(`${model.load.phase}${model.load.percent === null ? '' : ` ${model.load.percent} %`}`);
  }
  parts.push(model.active_status ? 'answers chats' : 'does not answer chats yet');
  return parts.join(', ');
}

function serviceText(view: ServiceView, paint: Paint): string {
  const parts = [
    paint(view.service_status, view.ready ? 'green' : view.service_status === 'failed' ? 'red' : 'yellow'),
  ];
  if (view.ready) parts.push('ready');
  if (!view.wanted) parts.push('on request');
  if (view.waiting_for !== null) parts.push(`waiting for ${view.waiting_for}`);
  if (view.pull !== null) {
    const { phase, bytes_done, bytes_total, bytes_unpacked } = view.pull;
    const [verb, bytes] = phase === 'unpacking' ? ['unpacking', bytes_unpacked] : ['pulling', bytes_done];
    parts.push(`${verb} ${bytes_total === null ? formatBytes(bytes) : formatBytesOf(bytes, bytes_total)}`);
  }
  if (view.next_restart_at !== null) parts.push(`next start ${view.next_restart_at}`);
  if (view.started_at !== null && view.service_status !== 'stopped') parts.push(`since ${view.started_at}`);
  for (const [flag, value] of Object.entries(view.overrides)) {
    parts.push(`with ${flag} ${value} (changed to heal it)`);
  }
  if (view.restarts > 0) parts.push(`${view.restarts} ${view.restarts === 1 ? 'restart' : 'restarts'}`);
  if (view.last_exit !== null) parts.push(`last exit ${view.last_exit.at}: ${view.last_exit.cause}`);
  return parts.join(', ');
}

function chatText(chat: Status['chat']): string {
  if (chat.persistence_state === null) return 'not checked yet';
  const parts = [chat.persistence_state + (chat.path === null ? '' : ` in ${chat.path}`)];
  if (chat.session_count !== null) {
    parts.push(`${chat.session_count} ${chat.session_count === 1 ? 'chat' : 'chats'}`);
  }
  if (chat.size_bytes !== null) parts.push(formatBytes(chat.size_bytes));
  if (chat.last_message_at !== null) parts.push(`last message ${chat.last_message_at}`);
  return parts.join(', ');
}

function dockerText(docker: Status['host']['docker']): string {
  if (!docker.reachable) return 'does not answer';
  return docker.version === null ? 'answers' : `${docker.version} (API ${docker.api_version ?? 'unknown'})`;
}

function linkLines(links: Status['links']): string[] {
  return [
    ...(links.ui === null ? [] : [label('Chat page', links.ui)]),
    ...(links.api === null ? [] : [label('API', links.api)]),
  ];
}

function problemLines(problems: Status['problems'], paint: Paint): string[] {
  if (problems.length === 0) return ['', 'No problems.'];
  return [
    '',
    `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}:`,
    ...problems.flatMap((problem) => [
      `  ${paint(`ERROR: ${problem.title}`, 'red')} (${problem.code}, since ${problem.since})`,
      `    seen: ${problem.detail}`,
      `    do:   ${problem.remedy}`,
    ]),
  ];
}
