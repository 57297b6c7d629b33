import { wrapLine } from '../lib/plain-text.ts';
import { entry, MOTD_WIDTH } from './motd-layout.ts';

/** First line of the login message while no daemon runs. */
export const STOPPED_HEADLINE = 'AI Sandbox - The daemon is not running';

/** How the daemon ended, as systemd tells the commands of `ExecStopPost=` in the environment (systemd.exec(5)). */
export interface DaemonEnd {
  /** `$SERVICE_RESULT`: success, exit-code, signal, core-dump, watchdog, timeout, oom-kill, … */
  result: string;
  /** `$EXIT_STATUS`: an exit code, or the name of a signal. */
  status: string;
}

/** Exit code for a bad setting (EX_CONFIG), after which systemd does not start the daemon again. */
const BAD_SETTING = '78';

/** Why nobody watches any more, in one sentence without a full stop. */
function endReason({ result, status }: DaemonEnd): string {
  switch (result) {
    case 'success':
      return 'the daemon was stopped';
    case 'watchdog':
      return 'the daemon hung and was ended by the watchdog';
    case 'oom-kill':
      return 'the daemon was ended by the kernel for lack of memory';
    case 'timeout':
      return 'the daemon did not start or stop in time';
    case 'exit-code':
      return status === BAD_SETTING
        ? 'ERROR: a setting of the daemon has a value that is not allowed'
        : `the daemon ended with exit code ${status}`;
    case 'signal':
    case 'core-dump':
      return `the daemon was killed by signal ${status}`;
    default:
      return `the daemon could not be run (${result})`;
  }
}

/** What a person does about it: after a bad setting it stays down, after any other failure systemd starts it again. */
function endRemedy(end: DaemonEnd): string {
  if (end.result === 'exit-code' && end.status === BAD_SETTING) {
    return 'journalctl -u ai-sandbox -p err -n 5 names the setting; correct it in /etc/default/ai-sandbox, then: systemctl restart ai-sandbox';
  }
  return end.result === 'success'
    ? 'systemctl start ai-sandbox'
    : 'systemd starts it again within seconds; if this text stays: systemctl restart ai-sandbox';
}

/**
 * The login message after the daemon's end, made of what stood there (`block`, null for nothing): it says that nobody
 * watches, since when and why; what stood there follows as what was true before. A block that says already that the daemon
 * is not running is kept as it is, unless the end was a failure.
 */
export function stampStopped(block: string | null, end: DaemonEnd, now: Date): string {
  const old = block === null ? [] : withoutStamp(block.split('\n'));
  if (block?.startsWith(STOPPED_HEADLINE) === true && end.result === 'success') return block;
  const time = `${now.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const stamp = [
    STOPPED_HEADLINE,
    `As of ${time}`,
    '',
    ...wrapLine(`${capitalised(endReason(end))}.`, MOTD_WIDTH),
    ...wrapLine(
      'What runs goes on running, but nothing watches or restarts it, and this text is not updated.',
      MOTD_WIDTH,
    ),
    ...entry('What to do', endRemedy(end)),
    ...entry('Look', 'journalctl -u ai-sandbox -n 50'),
  ];
  return (old.length === 0 ? stamp : [...stamp, '', LAST_WORDS, ...old]).join('\n');
}

/** Stands between the stamp and what stood there before. */
const LAST_WORDS = 'Before that it said:';

/** One line for the console. */
export function consoleLine(end: DaemonEnd, now: Date): string {
  return `[${now.toISOString().slice(0, 19)}Z] ai-sandbox: ${endReason(end)}; nothing watches what runs. What to do: ${endRemedy(end)}`;
}

/** The text without an earlier stamp, so that a daemon that dies again and again does not pile them up. */
function withoutStamp(lines: string[]): string[] {
  const at = lines.indexOf(LAST_WORDS);
  if (at >= 0) return lines.slice(at + 1);
  return lines[0] === STOPPED_HEADLINE && lines.at(-1)?.includes('journalctl -u ai-sandbox -n 50')
    ? []
    : lines;
}

function capitalised(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
