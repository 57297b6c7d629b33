import type { ProblemRow } from './row.ts';

/** The daemon itself: its settings, its state, and what it writes. */
export const DAEMON_PROBLEMS = {
  setting_invalid: {
    class: 'fatal',
    title: 'A setting has a value that is not allowed',
    cause:
      'A variable in /etc/default/ai-sandbox, or in a drop-in of the unit, is not what it must be. The daemon does not start.',
    remedy: 'Correct it in /etc/default/ai-sandbox, then: systemctl restart ai-sandbox',
  },
  reload_failed: {
    class: 'fatal',
    title: 'Not everything that was read again is in force',
    cause:
      'A setting or the compose file has an error, or a setting takes effect only at a start. What was in force stays.',
    remedy:
      'Correct what is named, then: systemctl reload ai-sandbox; for a setting that needs it: systemctl restart ai-sandbox',
  },
  daemon_cannot_listen: {
    class: 'host',
    title: 'The daemon cannot open its port or its socket',
    cause: 'Another program has the port of AI_SANDBOX_LISTEN, or another daemon runs.',
    remedy: 'Do what the detail says; the daemon tries again by itself.',
  },
  daemon_defect: {
    class: 'restart',
    title: 'The daemon ended because of a defect of its own',
    cause: 'A case that nobody thought of. systemd starts the daemon again; the containers go on running.',
    remedy: 'If it comes back, report it with the records of: journalctl -u ai-sandbox -p debug -n 50',
  },
  state_file_corrupt: {
    class: 'transient',
    title: 'The state file was unreadable and has been set aside',
    cause:
      'The file was cut off or edited. Its copy is kept beside it as .corrupt-<time>; the state was rebuilt from Docker.',
    remedy: 'Nothing needs to be done; look at the copy if stopped services came back, and stop them again.',
  },
  state_not_writable: {
    class: 'host',
    title: 'The state cannot be written',
    cause: 'The state directory is read-only, full, or not ours.',
    remedy: 'Free space on, or mend the rights of, the directory that is named.',
  },
  motd_not_writable: {
    class: 'host',
    title: 'The login message cannot be written',
    cause: 'The motd file or its directory is read-only, full, or not ours.',
    remedy: 'Mend the rights of the file that is named, or set AI_SANDBOX_MOTD_FILE to another one.',
  },
  log_not_writable: {
    class: 'host',
    title: 'The log files cannot be written',
    cause: 'The log directory is read-only, full, or not ours.',
    remedy: 'Mend the rights of the directory that is named, or set AI_SANDBOX_LOG_DIR to another one.',
  },
  credentials_not_writable: {
    class: 'host',
    title: 'The credentials file cannot be written',
    cause: 'The home directory is missing, read-only or full, or something else has the name of the file.',
    remedy: 'Mend what is named; the credentials themselves are in .env beside the compose file.',
  },
  installer_step_failed: {
    class: 'host',
    title: 'A step of the installation failed',
    cause: 'The installer says which step and why; what that step brings is missing.',
    remedy:
      'Run the installer again, it goes on where it was: bash /root/StackScript. Its log: /var/log/stackscript.log.',
  },
  installer_interrupted: {
    class: 'host',
    title: 'The installation was interrupted',
    cause: 'The installer ended before its last step: a power cut, a reboot, or somebody ended it.',
    remedy:
      'Run the installer again, it goes on where it was: bash /root/StackScript. Its log: /var/log/stackscript.log.',
  },
} as const satisfies Record<string, ProblemRow>;
