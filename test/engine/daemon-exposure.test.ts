import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/status/schema.ts';
import { ask } from '../contract/http.ts';
import type { RunningDaemon } from '../support/daemon.ts';
import { daemonStage, READY_LIMIT_MS } from '../support/daemon-stage.ts';

const TEST_LIMIT_MS = READY_LIMIT_MS + 60_000;
const CPU_TEMPLATE = fileURLToPath(new URL('../../compose/docker-compose.cpu.yml', import.meta.url));

const stage = daemonStage('test-daemon');
/** An address of this machine that is not of loopback and that only this machine reaches: the engine's own bridge. */
let network: string;
beforeAll(async () => {
  const format = '{{range .IPAM.Config}}{{.Gateway}}{{end}}';
  network = (await stage.engine.docker(['network', 'inspect', 'bridge', '--format', format])).stdout.trim();
  expect(network).toMatch(/^10\.|^172\.|^192\.168\./);
});

/** Where the page is published now, by the engine's word; null while no container runs. */
async function pageAddress(daemon: RunningDaemon): Promise<string | null> {
  const format = '{{json .NetworkSettings.Ports}}';
  const { stdout, code } = await stage.engine.docker(['inspect', `${daemon.project}-ui`, '--format', format]);
  if (code !== 0) return null;
  const ports = JSON.parse(stdout) as Record<string, { HostIp: string }[] | null>;
  return ports['8080/tcp']?.[0]?.HostIp ?? null;
}

const completed = (status: Status) => status.deployment.deployment_status === 'completed';

describe('a page that the file publishes for the network', () => {
  it('is opened after its administrator is there, and the deployment is completed after that', {
    timeout: TEST_LIMIT_MS,
  }, async () => {
    await using daemon = await stage.start({ variables: { UI_BIND: network } });
    const seen: { address: string | null; strangers: boolean }[] = [];
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const address = await pageAddress(daemon);
        const answer = await ask(`http://${network}:${daemon.uiPort}/api/config`).catch(() => null);
        seen.push({ address, strangers: JSON.stringify(answer?.json ?? null).includes('onboarding') });
      }
    })();
    const status = await daemon.waitFor(completed, 'the deployment is completed', READY_LIMIT_MS);
    watching = false;
    await watch;
    expect(status.links.ui).toBe(`http://${network}:${daemon.uiPort}`);
    expect(await pageAddress(daemon)).toBe(network);
    expect(seen.map(({ address }) => address)).toContain('127.0.0.1');
    expect(seen.filter(({ strangers }) => strangers)).toEqual([]);
    expect(daemon.journal()).toContain('the chat page has an administrator and sign-up is off');

    const before = status.services['ui']?.container_id;
    await daemon.restart();
    const after = await daemon.waitFor(
      ({ services }) => services['ui']?.ready === true,
      'ready again',
      30_000,
    );
    expect(after.services['ui']?.container_id).toBe(before);
  });

  it('stays on loopback while strangers could take it over, and is opened when somebody has claimed it there', {
    timeout: TEST_LIMIT_MS,
  }, async () => {
    const template = await readFile(CPU_TEMPLATE, 'utf8');
    await using daemon = await stage.start({
      composeText: template.replaceAll(/^ +WEBUI_ADMIN_.*\n/gm, ''),
      variables: { UI_BIND: network },
    });
    const kept = await daemon.waitFor(
      (status) => status.problems.some(({ code }) => code === 'page_not_protected'),
      'the problem is named',
      READY_LIMIT_MS,
    );
    expect(kept.links.ui).toBe(`http://localhost:${daemon.uiPort}`);
    expect(await pageAddress(daemon)).toBe('127.0.0.1');
    expect(await daemon.motd()).toContain('ERROR: The chat page is not opened to the network');

    const url = `http://127.0.0.1:${daemon.uiPort}/api/v1/auths/signup`;
    const claimed = await ask(url, { body: { name: 'A', email: 'a@example.com', password: 'a-password' } });
    expect(claimed.status).toBe(200);
    const opened = await daemon.waitFor(
      ({ links, problems }) => links.ui?.includes(network) === true && problems.length === 0,
      'the page is open',
      READY_LIMIT_MS,
    );
    expect(opened.services['ui']?.restarts).toBe(0);
    expect(daemon.journal()).toContain('its page is safe now');
    expect(await pageAddress(daemon)).toBe(network);
  });
});

it('an API without a key is not opened to the network', { timeout: TEST_LIMIT_MS }, async () => {
  const template = await readFile(CPU_TEMPLATE, 'utf8');
  await using daemon = await stage.start({
    composeText: template.replace(/^ +VLLM_API_KEY: .*\n/m, ''),
    variables: { API_BIND: network },
  });
  const status = await daemon.waitFor(({ links }) => links.api !== null, 'api is published', READY_LIMIT_MS);
  expect(status.links.api).toBe(`http://localhost:${daemon.apiPort}`);
  expect(status.problems).toMatchObject([{ code: 'api_not_protected' }]);
});
