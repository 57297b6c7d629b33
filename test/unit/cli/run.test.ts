import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CliContext, ConfigReport } from '../../../src/cli/command.ts';
import { EXIT, EXIT_MEANINGS } from '../../../src/cli/exit-codes.ts';
import { CliFailure } from '../../../src/cli/failure.ts';
import { usageLine } from '../../../src/cli/help.ts';
import { COMMANDS, runCli } from '../../../src/cli/run.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { assembleStatus } from '../../../src/status/assemble.ts';
import { readyFacts } from '../../support/status-facts.ts';
import { fakeControl, testApi } from '../../support/test-api.ts';

const NOBODY_LISTENS: CliContext['settings'] = {
  socketPath: '/nonexistent/control.sock',
  listen: { host: '127.0.0.1', port: 1 },
  composeFile: '/nonexistent/docker-compose.yml',
};

/** Runs one command line and collects what it shows. */
async function cli(
  line: string,
  settings: Partial<CliContext['settings']> = {},
  report: Partial<ConfigReport> = {},
) {
  const shown = { code: -1, out: '', err: '' };
  shown.code = await runCli(line === '' ? [] : line.split(' '), '1.2.3', {
    settings: { ...NOBODY_LISTENS, ...settings },
    clock: systemClock,
    colour: false,
    async write(text) {
      shown.out += text;
    },
    complain(message) {
      shown.err += `${message}\n`;
    },
    async checkConfig(file) {
      return { file, errors: [], notices: [], services: ['api', 'ui'], ...report };
    },
    openShelf: () => Promise.reject(new CliFailure(EXIT.configInvalid, 'no compose file')),
  });
  return shown;
}

describe('the command line', () => {
  it.each(['--help', '-h', 'help'])('shows all commands and exit codes on %s', async (line) => {
    const { code, out } = await cli(line);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(out).toContain(name);
    for (const meaning of Object.values(EXIT_MEANINGS)) expect(out).toContain(meaning);
  });

  it.each(COMMANDS.map(({ name }) => name))('has help for %s', async (name) => {
    const { code, out, err } = await cli(`${name} --help`);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`Usage: ai-sandbox ${name}`);
  });

  it('shows the help of a group of commands', async () => {
    const { code, out } = await cli('model --help');
    expect(code).toBe(0);
    expect(out).toContain('Usage: ai-sandbox model retry');
  });

  it('shows the version', async () => {
    expect(await cli('--version')).toEqual({ code: 0, out: 'ai-sandbox 1.2.3\n', err: '' });
  });

  it.each([
    ['', ''],
    ['frobnicate', 'there is no command "frobnicate"; there are: status, start'],
    ['model', 'model needs one more word: model show, model verify, model retry'],
    ['model use', 'there is no command "model use"; there are: model show, model verify, model retry'],
    ['status now', 'too many words: now\nUsage: ai-sandbox status [--json]'],
    ['status --jason', "Unknown option '--jason'\nUsage: ai-sandbox status [--json]"],
    ['logs api --tail many', '--tail is many; allowed is a whole number from 0 to 10000'],
    ['logs api --tail', 'argument missing'],
  ])('refuses %j with exit code 2 and says why', async (line, why) => {
    const { code, err } = await cli(line);
    expect(code).toBe(2);
    expect(err).toContain(why);
  });

  it.each(['start', 'stop api', 'restart', 'logs', 'logs api', 'model retry'])(
    'exits with 3 and tells how to start the daemon when it is not running: %s',
    async (line) => {
      const { code, err } = await cli(line);
      expect(code).toBe(3);
      expect(err).toContain('systemctl start ai-sandbox');
    },
  );
});

describe('ai-sandbox status', () => {
  it('shows the status as text', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { code, out } = await cli('status', { socketPath: setup.socketPath });
    expect(code).toBe(0);
    expect(out).toContain('Model       example/model');
  });

  it('shows the answer of the daemon as it is with --json', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { out } = await cli('status --json', { socketPath: setup.socketPath });
    expect(JSON.parse(out)).toEqual(assembleStatus(readyFacts()));
  });

  it('asks the port where the socket cannot be used', async () => {
    await using setup = await testApi();
    const { port } = await setup.api.listen();
    const { code, out } = await cli('status', { listen: { host: '127.0.0.1', port } });
    expect(code).toBe(0);
    expect(out).toContain('example/model');
  });

  it('says that the daemon is not running, and what is known without it', async () => {
    const composeFile = import.meta.filename;
    const { code, out } = await cli('status', { composeFile });
    expect(code).toBe(3);
    expect(out).toContain('systemctl start ai-sandbox');
    expect(out).toContain(`${composeFile}: check it with ai-sandbox config check`);
  });

  it('says so as JSON with --json', async () => {
    const { code, out } = await cli('status --json');
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ daemon_running: false, compose_file_exists: false });
  });

  it('does not take another program on the port for the daemon', async () => {
    await using other = await testApi();
    other.api.tcp.addHook('onSend', async () => '{"hello": "world"}');
    const { port } = await other.api.listen();
    expect((await cli('status', { listen: { host: '127.0.0.1', port } })).code).toBe(3);
  });
});

describe('ai-sandbox start, stop, restart', () => {
  it('carries out a stop and says when it is done', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    expect(await cli('stop api', { socketPath: setup.socketPath })).toEqual({
      code: 0,
      out: 'api: stopped\n',
      err: '',
    });
    expect(setup.calls).toEqual(['stop api']);
  });

  it('acts on all services when none is named', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { code, out } = await cli('restart', { socketPath: setup.socketPath });
    expect(code).toBe(0);
    expect(out).toContain('ui: restart is under way');
    expect(setup.calls.sort()).toEqual(['restart api', 'restart ui']);
  });

  it('waits for a job that takes its time', async () => {
    await using setup = await testApi({
      control: fakeControl([], { stop: () => systemClock.sleep(300) }),
    });
    await setup.api.listen();
    expect((await cli('stop ui', { socketPath: setup.socketPath })).out).toBe('ui: stopped\n');
  });

  it('exits with 1 and the reason when one of them fails, and still tells about the others', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        async start(name) {
          if (name === 'api') throw new Error('the engine does not answer');
        },
      }),
    });
    await setup.api.listen();
    const { code, out, err } = await cli('start', { socketPath: setup.socketPath });
    expect(code).toBe(1);
    expect(err).toBe('api: the engine does not answer\n');
    expect(out).toContain('ui: start is under way');
  });

  it('names the services for an unknown one', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { code, err } = await cli('stop ../apy', { socketPath: setup.socketPath });
    expect(code).toBe(1);
    expect(err).toContain('There is no service "../apy" in the compose file; it has: api, ui.');
  });
});

describe('ai-sandbox reload', () => {
  it('is done when the daemon has read everything again', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    expect((await cli('reload', { socketPath: setup.socketPath })).code).toBe(0);
    expect(setup.calls).toEqual(['reload']);
  });

  it('fails with every line of what is not in force', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        async reload() {
          throw new Error('the compose file is wrong\nthe port needs a restart');
        },
      }),
    });
    await setup.api.listen();
    expect(await cli('reload', { socketPath: setup.socketPath })).toEqual({
      code: 1,
      out: '',
      err: 'the compose file is wrong\nthe port needs a restart\n',
    });
  });
});

describe('ai-sandbox logs', () => {
  it('shows the lines of one service as they are', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { code, out } = await cli('logs api --tail 7 -f', { socketPath: setup.socketPath });
    expect([code, out]).toEqual([0, 'api 7 true\n']);
  });

  it('shows all services with their names when none is named', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    const { out } = await cli('logs', { socketPath: setup.socketPath });
    expect(out).toBe('api | api 100 false\nui  | ui 100 false\n');
  });

  it('removes what could steer the terminal', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        async *logs() {
          yield '\u001b[31mred\u001b[0m \u001b]0;title\u0007end\u009b';
        },
      }),
    });
    await setup.api.listen();
    const { out } = await cli('logs api', { socketPath: setup.socketPath });
    expect(out).toBe('red end \n');
  });

  it('exits with 1 when the log breaks off', async () => {
    await using setup = await testApi({
      control: fakeControl([], {
        async *logs() {
          yield 'first';
          await systemClock.sleep(400);
          throw new Error('gone');
        },
      }),
    });
    await setup.api.listen();
    const { code, out, err } = await cli('logs api', { socketPath: setup.socketPath });
    expect([code, out]).toEqual([1, 'first\n']);
    expect(err).toContain('broke off');
  });
});

describe('ai-sandbox config check and model retry', () => {
  it('says that a file is valid, with its services and notices', async () => {
    const { code, out } = await cli('config check', {}, { notices: ['line 1: version is ignored'] });
    expect(code).toBe(0);
    expect(out).toBe(
      'note: line 1: version is ignored\n/nonexistent/docker-compose.yml: valid; services: api, ui\n',
    );
  });

  it('prints each error as file:line:column and exits with 4', async () => {
    const error = { file: '/a.yml', line: 3, column: 5, key: 'services.api.foo', message: 'unknown key' };
    const { code, out, err } = await cli('config check /a.yml', {}, { errors: [error] });
    expect(code).toBe(4);
    expect(out).toBe('/a.yml:3:5: services.api.foo: unknown key\n');
    expect(err).toContain('1 error in /a.yml\n/.env does not exist: the daemon creates it');
  });

  it('asks for a new try of the model', async () => {
    await using setup = await testApi();
    await setup.api.listen();
    expect((await cli('model retry', { socketPath: setup.socketPath })).code).toBe(0);
    expect(setup.calls).toEqual(['retry model']);
  });
});

describe('docs/cli.md', () => {
  it('names every command with its options, and every exit code', async () => {
    // A bar inside a cell of a table is written as \|.
    const text = (await readFile(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8')).replaceAll(
      '\\|',
      '|',
    );
    for (const command of COMMANDS) {
      expect(text).toContain(usageLine(command).replace('Usage: ', ''));
      for (const [option] of command.optionHelp) expect(text).toContain(`\`${option}\``);
    }
    for (const [code, meaning] of Object.entries(EXIT_MEANINGS)) {
      expect(text).toContain(`| ${code} | ${meaning} |`);
    }
  });
});
