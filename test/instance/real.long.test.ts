import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseEnvironmentFile } from '../../src/compose/environment-file.ts';
import type { Status } from '../../src/status/schema.ts';
import { ask, events, REQUEST_DEADLINE_MS } from '../contract/http.ts';
import { type RealParts, realParts } from '../real/parts.ts';
import { STAGE_MODEL } from '../support/daemon-stage.ts';
import { installerEnd, startInstaller } from './installer.ts';
import { containers, untilReady } from './looks.ts';
import type { Machine } from './machine.ts';
import { instanceStage } from './stage.ts';

const run = promisify(execFile);

const PREPARE_LIMIT_MS = 900_000;
/** Six gigabytes through a pipe and onto the disk. */
const LOAD_LIMIT_MS = 600_000;
const INSTALL_LIMIT_MS = 600_000;
/** The daemon itself ends a start that has stood still for 10 minutes; vLLM and another test file share two cores. */
const READY_LIMIT_MS = 1_200_000;
const EMAIL = 'anna@example.org';
const PASSWORD = 'correct horse battery';
const ANSWER_TOKENS = 8;

const stage = instanceStage({
  /** The stage's hub has the real model under the name of its own. */
  get files() {
    const { modelFolder } = realParts();
    return Object.fromEntries(
      readdirSync(modelFolder).map((name) => [name, { file: join(modelFolder, name) }]),
    );
  },
});

describe('a server on which the StackScript brings up the real vLLM and Open WebUI', () => {
  let parts: RealParts;
  let machine: Machine;
  let status: Status;
  let ids: string;
  let bytes: number;
  /** What a login showed until everything was ready. */
  const logins: string[] = [];

  beforeAll(
    async () => {
      parts = realParts();
      machine = await stage.machine('real', { processorWanted: true });
      await machine.must('systemctl start docker');
      await loadImages(parts, machine);
      // The script finds an engine that is off, as in an image made for later.
      await machine.must('systemctl disable -q --now docker docker.socket');
      await machine.write(
        '/opt/ai-sandbox/.env',
        `API_IMAGE=${parts.images.api}\nUI_IMAGE=${parts.images.ui}\nUI_OFFLINE_MODE=true\nCPU_KV_CACHE_GIB=1\n`,
        '0600',
      );
      await startInstaller(stage, machine, { WEBUI_ADMIN_EMAIL: EMAIL, WEBUI_ADMIN_PASSWORD: PASSWORD });
      let watching = true;
      const watch = (async () => {
        while (watching) logins.push(await machine.login());
      })();
      try {
        expect(await installerEnd(machine, INSTALL_LIMIT_MS)).toBe(0);
        status = await untilReady(machine, READY_LIMIT_MS);
      } finally {
        watching = false;
        await watch;
      }
      ids = await containers(machine);
      bytes = stage.hub.bytesSent();
      const log = '/var/log/ai-sandbox/deployment.log';
      process.stderr.write(`${await machine.must(`sed -n '/deployment: completed/,$p' ${log}`)}\n`);
    },
    PREPARE_LIMIT_MS + LOAD_LIMIT_MS + INSTALL_LIMIT_MS + READY_LIMIT_MS,
  );

  /** One chat with the API of this machine, streamed; its events and its text. */
  const chat = async (): Promise<{ events: number; text: string }> => {
    const { VLLM_API_KEY: key = '' } = parseEnvironmentFile(
      await machine.must('cat /opt/ai-sandbox/.env'),
      '.env',
    ).values;
    const body = {
      model: STAGE_MODEL,
      messages: [{ role: 'user', content: 'Say something.' }],
      max_tokens: ANSWER_TOKENS,
      ignore_eos: true,
      stream: true,
    };
    const answer = await machine.must(
      `curl -sSfN -m ${REQUEST_DEADLINE_MS / 1000} http://127.0.0.1:8000/v1/chat/completions -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d @-`,
      { input: JSON.stringify(body) },
    );
    const said = events(answer) as { choices: { delta: { content?: string } }[] }[];
    const text = said.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    return { events: said.length, text };
  };

  /** Words of a model with random weights may come in one piece, so that events are counted. */
  const expectStreamedChat = async () => {
    const { events: count, text } = await chat();
    expect(count).toBeGreaterThan(1);
    expect(text).not.toBe('');
  };

  const expectEverythingBack = async () => {
    const { problems } = await untilReady(machine, READY_LIMIT_MS);
    expect(problems).toEqual([]);
    expect(await containers(machine)).toBe(ids);
    expect(stage.hub.bytesSent()).toBe(bytes);
    expect(await machine.must('systemctl --failed --no-legend')).toBe('');
    expect(await machine.login()).toContain('Deployment Complete');
    await expectStreamedChat();
  };

  it('/status tells that the deployment is completed on these images, and that nothing is wrong', () => {
    expect(status).toMatchObject({
      progress: { phase: 'ready', percent: 100 },
      deployment: {
        deployment_status: 'completed',
        default_model_identifier: STAGE_MODEL,
        target_met: expect.any(Boolean),
        problem: null,
      },
      model: { download_status: 'completed', active_status: true, problem: null },
      services: {
        api: { image: parts.images.api, ready: true, restarts: 0, problem: null },
        ui: { image: parts.images.ui, ready: true, restarts: 0, problem: null },
      },
      problems: [],
    });
  });

  it('a chat is streamed by the API of this machine', { timeout: 2 * REQUEST_DEADLINE_MS }, async () => {
    await expectStreamedChat();
  });

  it('the page is reached from outside at the address that is told, lets the administrator of the form in and streams a chat', {
    timeout: 2 * REQUEST_DEADLINE_MS,
  }, async () => {
    const page = status.links.ui ?? '';
    const { json } = await ask(`${page}/api/v1/auths/signin`, { body: { email: EMAIL, password: PASSWORD } });
    expect(json).toMatchObject({ role: 'admin' });
    const { token } = json as { token: string };
    const messages = [{ role: 'user', content: 'Say something.' }];
    const body = { model: STAGE_MODEL, messages, max_tokens: ANSWER_TOKENS, stream: true };
    const answer = await ask(`${page}/api/chat/completions`, { token, body });
    expect(answer.status, answer.text).toBe(200);
    expect(events(answer.text).length).toBeGreaterThan(1);
    const api = new URL(page);
    api.port = '8000';
    await expect(fetch(api)).rejects.toThrow();
  });

  it('a login was told that it is in progress, and is told that it is complete', () => {
    expect(logins.some((text) => /deployment in progress/i.test(text))).toBe(true);
    expect(logins.at(-1)).toContain('Deployment Complete');
    for (const text of logins) expect(text).not.toContain('ERROR');
  });

  it('systemd shows the daemon ready, and the journal holds no error of it', async () => {
    const shown = await machine.must('systemctl status --no-pager ai-sandbox');
    expect(shown).toMatch(/Active: active \(running\)/);
    expect(shown).toMatch(/Status: ".*ready.*"/);
    const errors = await machine.must(
      'journalctl --sync; journalctl -u ai-sandbox -p err -o cat --no-pager -q',
    );
    expect(errors).toBe('');
    expect(await machine.must('systemctl --failed --no-legend')).toBe('');
  });

  it(
    'after a reboot a chat is answered without a hand, and nothing is downloaded again',
    async () => {
      await machine.reboot();
      await expectEverythingBack();
    },
    READY_LIMIT_MS * 2,
  );

  it(
    'after a power cut a chat is answered without a hand, and nothing is downloaded again',
    async () => {
      await machine.cutPower();
      await machine.powerOn();
      await expectEverythingBack();
    },
    READY_LIMIT_MS * 2,
  );
});

/** Puts the images into the machine's engine as they are in the one where they were made. */
async function loadImages(parts: RealParts, machine: Machine): Promise<void> {
  const { api, ui } = parts.images;
  const pipe = 'docker -H "$1" save "$2" "$3" | docker -H "$4" exec -i "$5" docker load -q';
  const names = [parts.engine.dockerHost, api, ui, stage.engine.dockerHost, machine.name];
  await run('bash', ['-o', 'pipefail', '-c', pipe, 'load-images', ...names], { timeout: LOAD_LIMIT_MS });
}
