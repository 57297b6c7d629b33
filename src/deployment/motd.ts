import { formatDuration } from '../lib/human.ts';
import { toAsciiLine, wrapLine } from '../lib/plain-text.ts';
import { activities, progressAmounts } from '../status/activity.ts';
import { missesTarget } from '../status/expected.ts';
import type { Status } from '../status/schema.ts';
import { access } from './motd-access.ts';
import { entry, MOTD_WIDTH, type MotdOptions } from './motd-layout.ts';

/** Problems shown in full; the rest is counted. A screen of 24 lines must still show the first one. */
const PROBLEMS_SHOWN = 3;

/** A detail is cut after this many characters: a login shows what to do, the command shows everything. */
const DETAIL_LENGTH = 300;

/**
 * The text for logins, without a final line end: how far the deployment is, what is wrong and what to do about it, and,
 * once the deployment is completed, how to use it. ASCII, at most {@link MOTD_WIDTH} columns; text from elsewhere is
 * made harmless. The line that starts with `As of` is the only one that changes with time alone.
 */
export function renderMotd(status: Status, options: MotdOptions): string {
  const blocks = [
    [headline(status, options), ...date(status, options)],
    ...(options.stopped === true ? [stoppedNote()] : []),
    problems(status),
    ...(status.deployment.deployment_status === 'completed'
      ? [
          [...machine(status.deployment), ...duration(status.deployment)],
          state(status, options),
          ...access(status, options),
        ]
      : [progress(status, options)]),
    commands(status, options),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** The text without its date: two texts with the same body say the same. */
export function motdBody(text: string): string {
  return text.replace(/^As of .*\n/m, '');
}

function headline(status: Status, options: MotdOptions): string {
  const { deployment } = status;
  if (options.stopped === true) return 'AI Sandbox - The daemon is not running';
  switch (deployment.deployment_status) {
    case 'completed':
      return 'AI Sandbox - Deployment Complete';
    case 'failed':
      return 'AI Sandbox - Deployment Failed';
    default:
      return 'AI Sandbox - Deployment in progress';
  }
}

/** A text that nobody renews says so by its date. */
function date(status: Status, options: MotdOptions): string[] {
  const time = `As of ${status.time.replace('T', ' ').replace('Z', ' UTC')}`;
  return options.stopped === true
    ? [time]
    : [time, 'Renewed every 10 minutes; if it is older, look: systemctl status ai-sandbox'];
}

function stoppedNote(): string[] {
  return [
    ...wrapLine(
      'What runs goes on running, but nothing watches or restarts it, and this text is not updated. What follows was true at that time.',
      MOTD_WIDTH,
    ),
    ...entry('Start it', 'systemctl start ai-sandbox'),
    ...entry('Look', 'journalctl -u ai-sandbox -n 50'),
  ];
}

function problems(status: Status): string[] {
  const lines = status.problems
    .slice(0, PROBLEMS_SHOWN)
    .flatMap((problem) => [
      ...wrapLine(toAsciiLine(`ERROR: ${problem.title}`), MOTD_WIDTH),
      ...(problem.detail === '' ? [] : entry('What', shorten(problem.detail))),
      ...entry('What to do', problem.remedy),
      ...entry('Since', `${problem.since} (${problem.code})`),
    ]);
  const more = status.problems.length - PROBLEMS_SHOWN;
  return more > 0 ? [...lines, `and ${more} more: ai-sandbox status`] : lines;
}

function progress(status: Status, options: MotdOptions): string[] {
  if (options.stopped === true) return [];
  const underWay = activities(status);
  const { phases, deployment_timestamp } = status.deployment;
  const finished = phases.filter((phase) => phase.state === 'done');
  const amounts = progressAmounts(status.progress);
  return [
    ...entry('Now', amounts === '' ? status.progress.phase : `${status.progress.phase}: ${amounts}`),
    ...(underWay.length === 0 ? [] : entry('Under way', underWay.join('; '))),
    ...(finished.length === 0 ? [] : entry('Done', finished.map(phaseText).join(', '))),
    ...(status.model.model_identifier === null ? [] : entry('Model', status.model.model_identifier)),
    ...(deployment_timestamp === null ? [] : entry('Started', deployment_timestamp)),
    ...lateness(status.deployment),
  ];
}

/** Said as soon as it is known; it is no failure. */
function lateness(deployment: Status['deployment']): string[] {
  if (!missesTarget(deployment)) return [];
  const { expected_seconds, target_seconds } = deployment;
  const when = expected_seconds === null ? '' : `, at least ${formatDuration(expected_seconds)} in all`;
  return entry('Target', `takes longer than ${formatDuration(target_seconds)}${when}; it goes on`);
}

function phaseText(phase: Status['deployment']['phases'][number]): string {
  const name = phase.name.replaceAll('_', ' ');
  return phase.seconds === null ? name : `${name} (${formatDuration(phase.seconds)})`;
}

/** How long it took, and whether that is what was aimed at. */
function duration({ expected_seconds, target_seconds, target_met }: Status['deployment']): string[] {
  if (expected_seconds === null) return [];
  const target = `target of ${formatDuration(target_seconds)} ${target_met === true ? 'met' : 'missed'}`;
  return entry('Deployed in', `${formatDuration(expected_seconds)} (${target})`);
}

function machine({ label, instance_type, region }: Status['deployment']): string[] {
  const words = [label, instance_type, region].filter((word) => word !== null);
  return words.length === 0 ? [] : entry('Machine', words.join(', '));
}

/** What is not ready after all, so that "Complete" never hides a service that is down. */
function state(status: Status, options: MotdOptions): string[] {
  if (options.stopped === true) return [];
  const underWay = activities(status);
  const lines = [
    ...Object.entries(status.services)
      .filter(([, view]) => !view.ready)
      .flatMap(([name, view]) =>
        entry(name, view.wanted ? `not ready: ${view.service_status}` : 'stopped on request'),
      ),
    ...(underWay.length === 0 ? [] : entry('Under way', underWay.join('; '))),
  ];
  return lines.length === 0 ? [] : ['Services', ...lines];
}

function commands(status: Status, options: MotdOptions): string[] {
  const over = status.deployment.deployment_status === 'completed';
  return [
    'Commands',
    ...entry('State', `ai-sandbox status, or: curl ${options.listen}/status`),
    ...entry('Logs', `ai-sandbox logs api, ai-sandbox logs ui, files in ${options.logDirectory}`),
    ...entry('Control', 'ai-sandbox stop|start|restart [api|ui]'),
    ...entry('Daemon', 'systemctl status ai-sandbox, journalctl -u ai-sandbox'),
    ...(options.ssh.startsWith('root@')
      ? []
      : entry('Rights', 'ai-sandbox and systemctl status are for you, the rest with sudo in front')),
    ...(over
      ? entry('Remove this', `rm ${options.motdFile} (it comes back only when something is wrong)`)
      : []),
  ];
}

function shorten(text: string): string {
  const plain = toAsciiLine(text);
  return plain.length <= DETAIL_LENGTH ? plain : `${plain.slice(0, DETAIL_LENGTH - 3)}...`;
}
