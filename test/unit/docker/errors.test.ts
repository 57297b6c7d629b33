import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../src/docker/engine.ts';
import type { EngineOperation } from '../../../src/docker/engine-wordings.ts';
import {
  ConnectionLostError,
  InBandError,
  isBrokenConnection,
  isVersionRefused,
  StatusError,
  toEngineError,
} from '../../../src/docker/errors.ts';
import { DeadlineError } from '../../../src/lib/deadline.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import type { ProblemCode } from '../../../src/status/problem-table.ts';

const plain = createRedactor();

function named(error: unknown, operation: EngineOperation): EngineError {
  return toEngineError(error, operation, 'the call', plain);
}

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} /run/docker.sock`), { code });
}

/** An error as docker-modem makes it. */
function dockerodeError(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), {
    statusCode,
    json: { message },
  });
}

describe('failures of the connection', () => {
  it.each(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])(
    'calls %s an unreachable engine',
    (code) => {
      const error = named(systemError(code), 'read');
      expect([error.kind, error.finding.code]).toEqual(['unreachable', 'docker_unreachable']);
    },
  );

  it.each(['EACCES', 'EPERM'])('calls %s a missing permission', (code) => {
    const error = named(systemError(code), 'read');
    expect([error.kind, error.finding.code]).toEqual(['permission', 'docker_permission_denied']);
  });

  it('calls an unanswered read an unreachable engine', () => {
    const error = named(new DeadlineError('listing containers', 5000), 'read');
    expect(error.finding).toEqual({
      code: 'docker_unreachable',
      detail: 'listing containers did not answer within 5 s',
    });
  });

  it('does not call the engine dead for one slow change', () => {
    const error = named(new DeadlineError('starting container api', 30_000), 'start');
    expect([error.kind, error.finding.code]).toEqual(['unreachable', 'engine_call_failed']);
  });

  it('lets only broken connections be sent again', () => {
    expect(isBrokenConnection(new ConnectionLostError())).toBe(true);
    expect(isBrokenConnection(systemError('EPIPE'))).toBe(true);
    expect(isBrokenConnection(systemError('ENOENT'))).toBe(false);
    expect(isBrokenConnection(new StatusError(500, 'read: connection reset by peer'))).toBe(false);
  });
});

describe('answers with an error status', () => {
  it.each([
    [304, 'not_modified'],
    [400, 'bad_request'],
    [404, 'not_found'],
    [409, 'conflict'],
    [500, 'refused'],
    [501, 'refused'],
  ] as const)('gives status %i the kind %s', (status, kind) => {
    const error = named(dockerodeError(status, 'words'), 'change');
    expect([error.kind, error.statusCode, error.finding.code]).toEqual([kind, status, 'engine_call_failed']);
  });

  it("keeps the engine's own sentence, without what dockerode puts around it", () => {
    const error = named(dockerodeError(409, 'Conflict. The container name "/a" is in use'), 'create');
    expect(error.message).toBe('Conflict. The container name "/a" is in use');
    expect(error.finding.detail).toBe('the call: Conflict. The container name "/a" is in use');
  });

  it('reads a plain text in place of JSON', () => {
    const error = Object.assign(new Error('(HTTP code 502) unexpected'), {
      statusCode: 502,
      json: Buffer.from('bad gateway\n'),
    });
    expect(named(error, 'read').message).toBe('bad gateway');
  });

  it('takes secrets out of message and detail', () => {
    const redactor = createRedactor(['s3cret-password']);
    const error = toEngineError(
      new StatusError(500, 'login with s3cret-password failed'),
      'pull',
      'pulling x',
      redactor,
    );
    expect(error.message + error.finding.detail).not.toContain('s3cret-password');
  });

  it('leaves an error alone that has its name already', () => {
    const first = new EngineError('in_band', 'words', { code: 'disk_full', detail: 'words' });
    expect(named(first, 'read')).toBe(first);
  });

  it('recognises a refused API version in both directions, and nothing else', () => {
    const tooOld = 'client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade';
    const tooNew = 'client version 1.44 is too new. Maximum supported API version is 1.41';
    expect(isVersionRefused(dockerodeError(400, tooOld))).toBe(true);
    expect(isVersionRefused(new StatusError(400, tooNew))).toBe(true);
    expect(isVersionRefused(dockerodeError(400, 'invalid mount config'))).toBe(false);
    expect(isVersionRefused(dockerodeError(500, tooNew))).toBe(false);
  });
});

const CONTAINER_WORDS: readonly [ProblemCode, string][] = [
  [
    'port_in_use',
    'driver failed programming external connectivity on endpoint a (b): Error starting userland proxy: listen tcp4 0.0.0.0:8000: bind: address already in use',
  ],
  [
    'port_in_use',
    'driver failed programming external connectivity on endpoint a (b): Bind for 0.0.0.0:8000 failed: port is already allocated',
  ],
  ['port_in_use', 'failed to bind host port for 0.0.0.0:8000:172.17.0.2:80/tcp: address already in use'],
  ['network_missing', 'network no-such-network not found'],
  ['network_missing', 'failed to set up container networking: network 5eed5eed5eed not found'],
  ['gpu_missing', 'could not select device driver "" with capabilities: [[gpu]]'],
  ['gpu_missing', 'could not select device driver "nvidia" with capabilities: [[gpu]]'],
  ['gpu_missing', 'unknown or invalid runtime name: nvidia'],
  ['gpu_missing', 'Unknown runtime specified nvidia'],
  ['gpu_missing', 'CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all'],
  ['gpu_missing', 'could not select device driver "cdi": no CDI device driver registered'],
  [
    'gpu_missing',
    'OCI runtime create failed: nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file: no such file or directory',
  ],
  ['gpu_missing', 'nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown'],
  [
    'gpu_missing',
    'nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown',
  ],
  [
    'gpu_missing',
    'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.9, please update',
  ],
  ['gpu_missing', 'nvidia-container-cli: device error: 7: unknown device: unknown'],
  [
    'command_not_found',
    'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "vllm": executable file not found in $PATH: unknown',
  ],
  [
    'command_not_found',
    'failed to create task: exec: "/opt/run": stat /opt/run: no such file or directory: unknown',
  ],
  ['mount_source_missing', 'invalid mount config for type "bind": bind source path does not exist: /data'],
  ['disk_full', 'mkdir /var/lib/docker/overlay2/x: no space left on device'],
  ['container_start_refused', 'unknown or invalid runtime name: runsc'],
  ['container_start_refused', 'something nobody has seen'],
];

describe('refusals of create and start', () => {
  it.each(CONTAINER_WORDS)('finds %s in: %s', (code, words) => {
    expect(named(dockerodeError(500, words), 'start').finding.code).toBe(code);
    expect(named(dockerodeError(500, words), 'create').finding.code).toBe(code);
  });

  it('finds the cause behind status 400 too', () => {
    const words = 'exec: "nope": executable file not found in $PATH';
    expect(named(dockerodeError(400, words), 'start').finding.code).toBe('command_not_found');
  });

  it('asks for a reboot when the driver was upgraded under the running kernel', () => {
    const words = 'nvidia-container-cli: initialization error: nvml error: driver/library version mismatch';
    expect(named(dockerodeError(500, words), 'start').finding.remedy).toMatch(/reboot/);
  });

  it('does not trouble a person about a container that is gone', () => {
    expect(named(dockerodeError(404, 'No such container: x'), 'start').finding.code).toBe(
      'engine_call_failed',
    );
    expect(named(dockerodeError(409, 'container is marked for removal'), 'start').finding.code).toBe(
      'engine_call_failed',
    );
  });

  it('takes an image that vanished before the creation for passing', () => {
    const finding = named(dockerodeError(404, 'No such image: vllm:1'), 'create').finding;
    expect([finding.code, finding.class]).toEqual(['image_not_found', 'transient']);
  });
});

const PULL_WORDS: readonly [ProblemCode, string][] = [
  ['image_not_found', 'manifest for localhost:5000/a:b not found: manifest unknown: manifest unknown'],
  [
    'image_not_found',
    "pull access denied for nobody/nothing, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  ],
  ['image_not_found', 'no matching manifest for linux/arm64/v8 in the manifest list entries'],
  ['image_not_found', 'failed to resolve reference "docker.io/a/b:c": docker.io/a/b:c: not found'],
  ['registry_login_failed', 'Head "https://r/v2/a/manifests/b": no basic auth credentials'],
  ['registry_login_failed', 'Head "https://r/v2/a/manifests/b": unauthorized: authentication required'],
  [
    'registry_login_failed',
    'Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
  ],
  ['registry_login_failed', 'unexpected status from HEAD request to https://r/v2/: 403 Forbidden'],
  ['registry_rate_limited', 'toomanyrequests: You have reached your pull rate limit.'],
  ['registry_rate_limited', 'unexpected status from GET request to https://r/v2/: 429 Too Many Requests'],
  [
    'registry_unreachable',
    'Get "http://localhost:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused',
  ],
  ['registry_unreachable', 'Get "https://r/v2/": dial tcp: lookup r on 1.1.1.1:53: no such host'],
  [
    'registry_unreachable',
    'Get "https://r/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  ],
  ['registry_unreachable', 'Get "https://r/v2/": net/http: TLS handshake timeout'],
  ['registry_unreachable', 'Get "https://r/v2/": x509: certificate signed by unknown authority'],
  ['registry_unreachable', 'received unexpected HTTP status: 503 Service Unavailable'],
  ['registry_unreachable', 'unexpected EOF'],
  ['disk_full', 'write /var/lib/docker/tmp/GetImageBlob1: no space left on device'],
  ['image_pull_failed', 'filesystem layer verification failed for digest sha256:0'],
];

describe('failures of a pull', () => {
  it.each(PULL_WORDS)('finds %s in: %s', (code, words) => {
    expect(named(new InBandError(words), 'pull').finding.code).toBe(code);
    expect(named(new StatusError(500, words), 'pull').finding.code).toBe(code);
  });

  it('knows an error inside a stream', () => {
    expect(named(new InBandError('unexpected EOF'), 'pull').kind).toBe('in_band');
  });
});

it('knows a log driver that cannot be read', () => {
  const error = named(new StatusError(500, 'configured logging driver does not support reading'), 'logs');
  expect(error.finding.code).toBe('log_driver_unreadable');
});
