import type { Command } from '../../src/cli/command.ts';
import { EXIT_MEANINGS } from '../../src/cli/exit-codes.ts';
import type { SettingRow } from '../../src/settings-table.ts';

/** The places a person looks for, with what is there. */
const FILES: readonly (readonly [string, string])[] = [
  ['/etc/default/ai-sandbox', 'settings of the daemon'],
  ['/etc/ai-sandbox/hf-token', 'token of the model hub (mode 0600); a change is noticed'],
  ['/opt/ai-sandbox/docker-compose.yml', 'what runs; a change is noticed'],
  ['/opt/ai-sandbox/.env', 'model, ports and secrets of the compose file (mode 0600)'],
  ['/opt/models, /opt/open-webui', 'the model and the chats, where the compose file does not say otherwise'],
  ['/var/lib/ai-sandbox', 'state of the daemon'],
  ['/var/log/ai-sandbox', 'deployment.log and model-download.log'],
  ['/usr/share/ai-sandbox', 'the shipped compose files'],
];

/**
 * The manual page ai-sandbox(1) as roff, from the table of commands and the table of settings. `date` is the day of the
 * sources as YYYY-MM-DD.
 */
export function manualPage(
  commands: readonly Command[],
  settings: readonly SettingRow[],
  version: string,
  date: string,
): string {
  return `${[
    `.TH AI-SANDBOX 1 "${date}" "ai-sandbox ${version}" "User Commands"`,
    '.SH NAME',
    'ai\\-sandbox \\- look after the model and the chat page of this server',
    '.SH SYNOPSIS',
    '.B ai\\-sandbox',
    '.I COMMAND',
    '.RI [ OPTIONS ]',
    '.SH DESCRIPTION',
    paragraph(
      'The command speaks to the running daemon through its control socket, which root and the members of the group ai-sandbox may use. The daemon keeps the services of a compose file alive, downloads the model that they serve, and tells the truth about both in the login message, in the journal, and in the answer of: curl localhost:9000/status',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(commandText),
    '.SH OPTIONS',
    ...tagged('-h, --help', 'Help; after a command: the help of that command.'),
    ...tagged('--version', 'The version.'),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([code, meaning]) => tagged(code, `${capitalised(meaning)}.`)),
    '.SH ENVIRONMENT',
    paragraph('The settings of the daemon, read from /etc/default/ai-sandbox.'),
    ...settings.flatMap((row) =>
      tagged(
        row.variable,
        `${row.meaning.replaceAll('`', '')} Default: ${row.default === '' ? 'not set' : row.default}. Allowed: ${row.allowed}.`,
      ),
    ),
    '.SH FILES',
    ...FILES.flatMap(([path, meaning]) => tagged(path, `${capitalised(meaning)}.`)),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR journalctl (1),',
    '.BR docker (1)',
  ].join('\n')}\n`;
}

function commandText({ name, synopsis, summary, details, optionHelp }: Command): string[] {
  return [
    ...tagged(`${name}${synopsis === '' ? '' : ` ${synopsis}`}`, `${capitalised(summary)}.`),
    ...details.flatMap((line) => ['.br', paragraph(line)]),
    ...(optionHelp.length === 0
      ? []
      : [
          '.RS',
          ...optionHelp.flatMap(([option, meaning]) => tagged(option, `${capitalised(meaning)}.`)),
          '.RE',
        ]),
  ];
}

function tagged(tag: string, text: string): string[] {
  return ['.TP', `.B ${escapeRoff(tag)}`, paragraph(text)];
}

function paragraph(text: string): string {
  const escaped = escapeRoff(text);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function escapeRoff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
}

function capitalised(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** Completion for bash, from the table of commands: commands, their options, names of services and files where they belong. */
export function bashCompletion(commands: readonly Command[]): string {
  const firstWords = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
  const groups = firstWords.filter((word) => commands.some(({ name }) => name.startsWith(`${word} `)));
  return `# bash completion for ai-sandbox; made from its table of commands
_ai_sandbox_services() {
    sed -n '/^services:/,/^[^ #]/s/^  \\([A-Za-z0-9_.-]*\\):.*/\\1/p' \\
        "\${AI_SANDBOX_COMPOSE_FILE:-/opt/ai-sandbox/docker-compose.yml}" 2>/dev/null
}

_ai_sandbox() {
    local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]:-}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '${firstWords.join(' ')} --help --version' -- "$word")
        return
    fi
    case $command in
        ${groups.join(' | ')})
            if [ "$COMP_CWORD" -eq 2 ]; then
                case $command in
${groups.map((group) => `                    ${group}) mapfile -t COMPREPLY < <(compgen -W '${secondWords(commands, group)} --help' -- "$word") ;;`).join('\n')}
                esac
                return
            fi
            command="$command \${COMP_WORDS[2]}"
            ;;
    esac
    case $command in
${commands.map((command) => `        '${command.name}')${wordsOf(command)} ;;`).join('\n')}
    esac
}
complete -F _ai_sandbox ai-sandbox
`;
}

function secondWords(commands: readonly Command[], group: string): string {
  return commands
    .filter(({ name }) => name.startsWith(`${group} `))
    .map(({ name }) => name.slice(group.length + 1))
    .join(' ');
}

function wordsOf({ synopsis, options }: Command): string {
  const flags = ['--help', ...Object.keys(options).map((name) => `--${name}`)].join(' ');
  const reply = (words: string) => ` mapfile -t COMPREPLY < <(compgen ${words} -- "$word")`;
  if (synopsis.includes('SERVICE')) return reply(`-W "${flags} $(_ai_sandbox_services)"`);
  return synopsis.includes('FILE') ? reply(`-f -W '${flags}'`) : reply(`-W '${flags}'`);
}
