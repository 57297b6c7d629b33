import { describe, expect, test } from 'vitest';
import { engineError } from '../../support/scripted-engine.ts';
import { idOf, project, readyStage, type Stage, service, setStage, view } from './support.ts';

/** Refuses every start with a finding until told otherwise. */
function refuseStarts(stage: Stage, code: 'port_in_use' | 'command_not_found' | 'gpu_missing'): () => void {
  stage.engine.treat = (call) =>
    call.name === 'startContainer' && call.container === 'ai-sandbox-api'
      ? { kind: 'fail', afterMs: 1, error: engineError('refused', { code, detail: `words about ${code}` }) }
      : { kind: 'answer', afterMs: 1 };
  return () => {
    stage.engine.treat = () => ({ kind: 'answer', afterMs: 1 });
  };
}

describe('cold start', () => {
  test('both services are created and started side by side with the fewest calls', async () => {
    const stage = setStage();
    await stage.clock.advance(3_000);
    expect(stage.changes()).toEqual([
      'createNetwork ai-sandbox-network',
      'createContainer ai-sandbox-api',
      'createContainer ai-sandbox-ui',
      'startContainer ai-sandbox-api',
      'startContainer ai-sandbox-ui',
    ]);
    const at = Object.fromEntries(
      stage.engine.calls.map((call) => [`${call.name} ${call.container}`, call.at]),
    );
    expect(at['startContainer ai-sandbox-ui']).toBe(3);
    expect(view(stage)).toMatchObject({ service_status: 'running', ready: true, restarts: 0, problem: null });
  });

  test('no list, which would slow them down, is taken while they start, but one soon after', async () => {
    const stage = setStage();
    stage.engine.treat = ({ name }) => ({ kind: 'answer', afterMs: name === 'startContainer' ? 900 : 1 });
    await stage.clock.advance(3_000);
    const at = (name: string) =>
      stage.engine.calls.filter((call) => call.name === name).map((call) => call.at);
    const started = Math.max(...at('startContainer'));
    const later = at('listContainers').filter((time) => time > 10);
    expect(Math.min(...later)).toBeGreaterThanOrEqual(started + 900);
    expect(Math.min(...later)).toBeLessThanOrEqual(started + 900 + 300);
  });

  test('the api waits at its gate while the ui runs', async () => {
    const stage = setStage();
    stage.supervisor.setGates({ api: { waitingFor: 'model' } });
    await stage.clock.advance(20_000);
    expect(view(stage)).toMatchObject({ service_status: 'stopped', waiting_for: 'model' });
    expect(view(stage, 'ui').service_status).toBe('running');
    stage.supervisor.setGates({ api: null });
    await stage.clock.advance(5_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', waiting_for: null });
  });

  test('a call that hangs for one service never delays the other', async () => {
    const stage = setStage();
    stage.engine.treat = (call) =>
      call.container === 'ai-sandbox-api'
        ? { kind: 'hang', deadlineMs: 60_000 }
        : { kind: 'answer', afterMs: 1 };
    await stage.clock.advance(5_000);
    expect(view(stage, 'ui').service_status).toBe('running');
    expect(view(stage).service_status).toBe('stopped');
  });

  test('a missing image is pulled, with its progress in the view', async () => {
    const stage = setStage({ images: ['image-ui'] });
    stage.engine.treat = (call) => ({ kind: 'answer', afterMs: call.name === 'pullImage' ? 30_000 : 1 });
    await stage.clock.advance(10_000);
    expect(view(stage)).toMatchObject({
      waiting_for: 'image',
      pull: { phase: 'downloading', bytes_done: 0, bytes_total: null, bytes_unpacked: 0, percent: null },
      service_status: 'stopped',
    });
    expect(view(stage, 'ui')).toMatchObject({ service_status: 'running', pull: null });
    await stage.clock.advance(30_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', pull: null });
  });

  test('a pull without space is tried again every 30 s', async () => {
    const stage = setStage({ images: ['image-ui'] });
    let full = true;
    stage.engine.treat = (call) =>
      call.name === 'pullImage' && full
        ? { kind: 'fail', afterMs: 1, error: engineError('refused', { code: 'disk_too_small' }) }
        : { kind: 'answer', afterMs: 1 };
    await stage.clock.advance(65_000);
    expect(stage.changes().filter((line) => line.startsWith('pullImage'))).toHaveLength(3);
    expect(view(stage).problem?.code).toBe('disk_too_small');
    full = false;
    await stage.clock.advance(40_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('an image that does not exist makes the service failed', async () => {
    const stage = setStage({ images: ['image-ui'] });
    stage.engine.treat = (call) =>
      call.name === 'pullImage'
        ? { kind: 'fail', afterMs: 1, error: engineError('refused', { code: 'image_not_found' }) }
        : { kind: 'answer', afterMs: 1 };
    await stage.clock.advance(5_000);
    expect(view(stage)).toMatchObject({ service_status: 'failed', problem: { code: 'image_not_found' } });
  });
});

describe('a crash', () => {
  test('is answered at the moment of its event, with no other call before the start', async () => {
    const stage = await readyStage();
    await stage.clock.advance(500);
    stage.engine.calls.length = 0;
    const diedAt = stage.clock.monotonicMs();
    stage.engine.exit(idOf(stage), 0);
    await stage.clock.advance(1);
    expect(stage.engine.calls[0]).toMatchObject({ name: 'startContainer', at: diedAt + 1 });
    await stage.clock.advance(10_000);
    expect(view(stage)).toMatchObject({
      service_status: 'running',
      restarts: 1,
      last_exit: { exit_code: 0, attempt: 1, cause: 'exited with code 0, not asked for' },
    });
    expect(stage.changes()).toEqual(['startContainer ai-sandbox-api']);
  });

  test('leaves the last 50 lines of the run that ended', async () => {
    const stage = await readyStage();
    const container = stage.engine.byName('ai-sandbox-api');
    const timestamp = stage.clock.now().toISOString();
    for (let line = 1; line <= 60; line++) {
      container?.log.push({ timestamp, stream: 'stderr', text: `line ${line}` });
    }
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(2);
    container?.log.push({ timestamp: '2030-01-01T00:00:00Z', stream: 'stdout', text: 'of the next run' });
    await stage.clock.advance(1_000);
    const tail = view(stage).last_exit?.log_tail;
    expect(tail).toHaveLength(50);
    expect(tail?.at(-1)).toBe('line 60');
  });

  test('that comes back waits 10 s, and the view says until when', async () => {
    const stage = await readyStage();
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(5_000);
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(1_000);
    expect(view(stage)).toMatchObject({
      service_status: 'stopped',
      restarts: 2,
      next_restart_at: '2026-01-01T00:00:25Z',
      problem: { code: 'container_exited', class: 'restart' },
    });
    await stage.clock.advance(15_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', next_restart_at: null, problem: null });
  });

  test('wait of a restart is kept by the next daemon', async () => {
    const stage = await readyStage();
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(5_000);
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(2_000);
    await stage.crash();
    stage.engine.calls.length = 0;
    stage.boot();
    await stage.clock.advance(6_000);
    expect(stage.changes()).toEqual([]);
    expect(view(stage).problem?.code).toBe('container_exited');
    await stage.clock.advance(5_000);
    expect(stage.changes()).toEqual(['startContainer ai-sandbox-api']);
  });

  test('ten healthy minutes forget the failures', async () => {
    const stage = await readyStage();
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(640_000);
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(1_000);
    expect(view(stage)).toMatchObject({ restarts: 2, last_exit: { attempt: 1 } });
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
  });

  test('of which no event told is found by the next list', async () => {
    const stage = await readyStage();
    stage.engine.dropEvents = true;
    stage.engine.exit(idOf(stage), 3);
    await stage.clock.advance(16_000);
    expect(view(stage)).toMatchObject({ restarts: 1, last_exit: { exit_code: 3 } });
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
  });

  test('event that comes late is not a second crash', async () => {
    const stage = await readyStage();
    const id = idOf(stage);
    stage.engine.dropEvents = true;
    stage.engine.exit(id, 1);
    await stage.clock.advance(20_000);
    stage.engine.dropEvents = false;
    stage.engine.emit({
      type: 'container',
      action: 'die',
      containerId: id,
      attributes: { exitCode: '1' },
      atMs: null,
    });
    await stage.clock.advance(5_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', restarts: 1 });
  });

  test('loop of one cause ends in failed, with restart_loop, and is tried on slowly', async () => {
    const stage = await readyStage();
    for (let round = 0; round < 5; round++) {
      stage.engine.exit(idOf(stage), 1);
      await stage.clock.advance(100_000);
    }
    expect(view(stage)).toMatchObject({ service_status: 'failed', problem: { code: 'restart_loop' } });
    await stage.clock.advance(200_500);
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
  });
});

describe('from outside', () => {
  test('docker stop is answered at once, however often, and recorded with the right command', async () => {
    const stage = await readyStage();
    for (let round = 0; round < 3; round++) {
      stage.engine.foreignKill(idOf(stage), '15');
      await stage.clock.advance(1_000);
    }
    expect(view(stage)).toMatchObject({ restarts: 3, last_exit: { attempt: 0 } });
    expect(view(stage).last_exit?.cause).toContain('ai-sandbox stop api');
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
  });

  test('the late word of our own stop is not taken for docker stop when the new run ends by itself', async () => {
    const stage = await readyStage();
    const atMs = stage.clock.now().getTime();
    const restarted = stage.supervisor.restart('api');
    await stage.clock.advance(3_000);
    await restarted;
    const event = {
      type: 'container',
      action: 'kill',
      containerId: idOf(stage),
      attributes: { signal: '15' },
    };
    stage.engine.emit({ ...event, atMs });
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(10_000);
    expect(view(stage).last_exit).toMatchObject({ exit_code: 1, attempt: 1 });
    expect(view(stage).last_exit?.cause).not.toContain('from outside');
  });

  test('a removed container is made anew', async () => {
    const stage = await readyStage();
    const before = idOf(stage);
    stage.engine.foreignRemove(before);
    await stage.clock.advance(5_000);
    expect(idOf(stage)).not.toBe(before);
    expect(view(stage).service_status).toBe('running');
  });

  test('a container of our name without labels is a problem and is never touched', async () => {
    const stage = setStage();
    const id = stage.engine.foreignCreate({ name: 'ai-sandbox-api', state: 'exited' });
    await stage.clock.advance(60_000);
    expect(view(stage)).toMatchObject({ service_status: 'failed', problem: { code: 'name_taken' } });
    expect(stage.engine.containers.has(id)).toBe(true);
    stage.engine.foreignRemove(id);
    await stage.clock.advance(5_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });
});

describe('a hang', () => {
  test('is found within 75 s and recovered', async () => {
    const stage = await readyStage();
    const container = stage.engine.byName('ai-sandbox-api');
    if (container !== undefined) container.hung = true;
    await stage.clock.advance(75_000);
    expect(stage.changes()).toEqual(['killContainer ai-sandbox-api', 'startContainer ai-sandbox-api']);
    expect(view(stage)).toMatchObject({ service_status: 'running', restarts: 1, last_exit: { attempt: 1 } });
    expect(view(stage).last_exit?.cause).toContain('answered no probe');
  });

  test('while starting is ended at the silence limit, which lines of the log put off', async () => {
    const stage = setStage({ readyAfterMs: Number.POSITIVE_INFINITY, settings: { silenceLimitMs: 60_000 } });
    await stage.clock.advance(50_000);
    stage.supervisor.noteProgress('api');
    await stage.clock.advance(30_000);
    const killed = () => stage.changes().filter((line) => line.startsWith('kill'));
    expect(killed()).toEqual(['killContainer ai-sandbox-ui']);
    await stage.clock.advance(35_000);
    expect(killed()).toContain('killContainer ai-sandbox-api');
    expect(view(stage).problem?.code).toBe('start_stalled');
  });
});

describe('a refusal by the engine', () => {
  test('keeps its words and backs off', async () => {
    const stage = setStage();
    const accept = refuseStarts(stage, 'port_in_use');
    await stage.clock.advance(35_000);
    expect(stage.changes().filter((line) => line === 'startContainer ai-sandbox-api')).toHaveLength(5);
    expect(view(stage)).toMatchObject({
      service_status: 'stopped',
      restarts: 0,
      problem: { code: 'port_in_use', detail: 'words about port_in_use' },
    });
    accept();
    await stage.clock.advance(60_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('of a port that comes free a moment later costs half a second', async () => {
    const stage = setStage();
    const accept = refuseStarts(stage, 'port_in_use');
    await stage.clock.advance(300);
    expect(view(stage).problem?.code).toBe('port_in_use');
    accept();
    await stage.clock.advance(700);
    expect(view(stage)).toMatchObject({ container_id: expect.any(String), problem: null });
  });

  test('that is fatal does not loop, and is tried again on demand', async () => {
    const stage = setStage();
    const accept = refuseStarts(stage, 'command_not_found');
    await stage.clock.advance(600_000);
    expect(stage.changes().filter((line) => line === 'startContainer ai-sandbox-api')).toHaveLength(1);
    expect(view(stage)).toMatchObject({ service_status: 'failed', problem: { code: 'command_not_found' } });
    accept();
    const restarted = stage.supervisor.restart('api');
    await stage.clock.advance(5_000);
    await restarted;
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
  });

  test('that needs something done to the machine is tried every 30 s', async () => {
    const stage = setStage();
    refuseStarts(stage, 'gpu_missing');
    await stage.clock.advance(95_000);
    expect(stage.changes().filter((line) => line === 'startContainer ai-sandbox-api')).toHaveLength(4);
  });
});

describe('a user', () => {
  test('stops a service, and the stop survives a restart of the daemon and of the machine', async () => {
    const stage = await readyStage();
    const stopped = stage.supervisor.stop('api');
    await stage.clock.advance(2_000);
    await stopped;
    expect(view(stage)).toMatchObject({
      service_status: 'stopped',
      wanted: false,
      restarts: 0,
      problem: null,
    });
    await stage.crash();
    stage.boot({ bootId: 'boot-2' });
    await stage.clock.advance(60_000);
    expect(view(stage)).toMatchObject({ service_status: 'stopped', wanted: false });
    const started = stage.supervisor.start('api');
    await stage.clock.advance(3_000);
    await started;
    expect(view(stage)).toMatchObject({ service_status: 'running', wanted: true });
  });

  test('restarts a service without a wait and without a failure on record', async () => {
    const stage = await readyStage();
    const before = idOf(stage);
    const done = stage.supervisor.restart('api');
    await stage.clock.advance(5_000);
    await done;
    expect(idOf(stage)).toBe(before);
    expect(stage.changes()).toEqual(['stopContainer ai-sandbox-api', 'startContainer ai-sandbox-api']);
    expect(view(stage)).toMatchObject({ service_status: 'running', restarts: 0, problem: null });
  });

  test('goes before a start that hangs', async () => {
    const stage = setStage();
    stage.engine.treat = (call) =>
      call.name === 'startContainer' ? { kind: 'hang', deadlineMs: 120_000 } : { kind: 'answer', afterMs: 1 };
    await stage.clock.advance(2_000);
    const stopped = stage.supervisor.stop('api');
    await stage.clock.advance(2_000);
    await stopped;
    expect(view(stage)).toMatchObject({ service_status: 'stopped', wanted: false });
  });

  test('hears why a start did not come about', async () => {
    const stage = await readyStage();
    const stopped = stage.supervisor.stop('api');
    await stage.clock.advance(2_000);
    await stopped;
    refuseStarts(stage, 'port_in_use');
    const started = stage.supervisor.start('api');
    const refused = expect(started).rejects.toMatchObject({ code: 'port_in_use' });
    await stage.clock.advance(2_000);
    await refused;
  });

  test('is told that a service is unknown', async () => {
    const stage = await readyStage();
    await expect(stage.supervisor.start('apl')).rejects.toMatchObject({ code: 'unknown_service' });
  });
});

describe('a new daemon', () => {
  test('leaves healthy containers alone, same id and start time', async () => {
    const stage = await readyStage();
    const before = { ...stage.engine.byName('ai-sandbox-api')?.facts };
    await stage.crash();
    stage.boot();
    await stage.clock.advance(60_000);
    expect(stage.changes()).toEqual([]);
    expect(stage.engine.byName('ai-sandbox-api')?.facts).toMatchObject({ startedAt: before.startedAt });
    expect(view(stage)).toMatchObject({ service_status: 'running', restarts: 0, last_exit: null });
  });

  test('does not complain again of an exit that its containers have got over', async () => {
    const stage = await readyStage();
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(60_000);
    expect(view(stage)).toMatchObject({ service_status: 'running', problem: null });
    await stage.crash();
    const complaints: unknown[] = [];
    stage.boot().onChange(({ services }) => complaints.push(services['api']?.problem ?? null));
    expect(view(stage).problem).toBeNull();
    await stage.clock.advance(60_000);
    expect(complaints.filter((problem) => problem !== null)).toEqual([]);
  });

  test('after a reboot starts everything at once and counts nothing', async () => {
    const stage = await readyStage();
    for (let round = 0; round < 3; round++) {
      stage.engine.exit(idOf(stage), 1);
      await stage.clock.advance(1_000);
    }
    await stage.crash();
    stage.engine.dropEvents = true;
    stage.engine.exit(idOf(stage, 'ai-sandbox-ui'), 255);
    stage.engine.dropEvents = false;
    stage.boot({ bootId: 'boot-2' });
    await stage.clock.advance(3_000);
    expect(view(stage).service_status).toBe('running');
    expect(view(stage, 'ui')).toMatchObject({
      service_status: 'running',
      last_exit: { attempt: 0, cause: 'ended because the machine was restarted' },
    });
  });

  test('that ends leaves the containers running', async () => {
    const stage = await readyStage();
    await stage.crash();
    expect(stage.changes()).toEqual([]);
    expect(stage.engine.byName('ai-sandbox-api')?.facts.state).toBe('running');
  });
});

describe('the engine', () => {
  test('that stands still is reported within 10 s, and what it kept is not touched', async () => {
    const stage = await readyStage();
    stage.engine.treat = () => ({ kind: 'hang', deadlineMs: 60_000 });
    await stage.clock.advance(10_000);
    expect(stage.supervisor.snapshot().problems[0]?.code).toBe('docker_unreachable');
    expect(view(stage).service_status).toBe('running');
    stage.engine.treat = () => ({ kind: 'answer', afterMs: 1 });
    await stage.clock.advance(60_000);
    expect(stage.supervisor.snapshot().problems).toEqual([]);
    expect(stage.changes()).toEqual([]);
  });

  test('that is restarted gets its containers started at once, without counting', async () => {
    const stage = await readyStage();
    stage.engine.goDown({ keepContainers: false });
    await stage.clock.advance(20_000);
    expect(stage.supervisor.snapshot().docker.reachable).toBe(false);
    stage.engine.comeUp();
    await stage.clock.advance(5_000);
    expect(view(stage)).toMatchObject({
      service_status: 'running',
      restarts: 1,
      last_exit: { attempt: 0, cause: 'ended because the Docker engine was stopped or restarted' },
    });
  });

  test('that ends its containers before it goes is named as the cause', async () => {
    const stage = await readyStage();
    stage.engine.treat = (call) => ({ kind: 'answer', afterMs: call.name === 'startContainer' ? 5_000 : 1 });
    stage.engine.foreignKill(idOf(stage), '15');
    await stage.clock.advance(1_000);
    stage.engine.goDown({ keepContainers: false });
    await stage.clock.advance(10_000);
    stage.engine.comeUp();
    await stage.clock.advance(15_000);
    expect(view(stage)).toMatchObject({
      service_status: 'running',
      restarts: 1,
      last_exit: { attempt: 0, cause: 'ended because the Docker engine was stopped or restarted' },
    });
  });

  test('of a kind that is not supported is left alone', async () => {
    const stage = setStage();
    await stage.crash();
    stage.engine.securityOptions.push('rootless');
    // Also while everything else is known, but not that.
    stage.engine.treat = ({ name }) => ({ kind: 'answer', afterMs: name === 'info' ? 2_000 : 1 });
    stage.boot();
    await stage.clock.advance(30_000);
    expect(stage.changes()).toEqual([]);
    expect(stage.supervisor.snapshot().problems[0]?.code).toBe('engine_unsupported');
  });
});

describe('a changed file', () => {
  test('makes the changed service anew and leaves the other alone', async () => {
    const stage = await readyStage();
    stage.supervisor.setDesired({
      project: project([service('api', { command: ['new'] }), service('ui')]),
      overrides: {},
    });
    await stage.clock.advance(5_000);
    expect(stage.changes()).toEqual([
      'stopContainer ai-sandbox-api',
      'removeContainer ai-sandbox-api',
      'createContainer ai-sandbox-api',
      'startContainer ai-sandbox-api',
    ]);
    expect(view(stage)).toMatchObject({ service_status: 'running', restarts: 0, problem: null });
    expect(stage.log.join('\n')).toContain('its part of the compose file has changed');
  });

  test('that names a service no more ends and removes its container', async () => {
    const stage = await readyStage();
    stage.supervisor.setDesired({ project: project([service('api')]), overrides: {} });
    await stage.clock.advance(5_000);
    expect(stage.changes()).toEqual(['stopContainer ai-sandbox-ui', 'removeContainer ai-sandbox-ui']);
    expect(Object.keys(stage.supervisor.snapshot().services)).toEqual(['api']);
  });
});

describe('listeners', () => {
  test('hear of changes and of nothing else', async () => {
    const stage = await readyStage();
    const heard: string[] = [];
    const stop = stage.supervisor.onChange((snapshot) => {
      heard.push(snapshot.services['api']?.service_status ?? '');
    });
    await stage.clock.advance(120_000);
    expect(heard.length).toBeLessThanOrEqual(1);
    heard.length = 0;
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(5_000);
    expect(heard[0]).toBe('starting');
    expect(heard.at(-1)).toBe('running');
    stop();
    heard.length = 0;
    stage.engine.exit(idOf(stage), 1);
    await stage.clock.advance(5_000);
    expect(heard).toEqual([]);
  });
});
