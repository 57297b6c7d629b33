import { engineCall, jsonBody, mustCall } from '../images/engine-api.ts';

/** One process of a container, as the host sees it. */
export interface ContainerProcess {
  pid: number;
  command: string;
}

/** What a container is made of. */
export interface ContainerOptions {
  image: string;
  command?: string[];
  /** `NAME=value`. */
  environment: string[];
  network: string;
  /** Names by which others on the network find it. */
  aliases?: string[];
  /** `host:container`. */
  binds: string[];
  shmBytes?: number;
}

/** Bytes in front of each part of a log: stream, three zeros, length. */
const FRAME_BYTES = 8;

/** A container of the contract tests, driven through the engine's API. */
export class ContractContainer {
  readonly socketPath: string;
  readonly id: string;

  private constructor(socketPath: string, id: string) {
    this.socketPath = socketPath;
    this.id = id;
  }

  /** Creates, does not start. */
  static async create(
    socketPath: string,
    name: string,
    options: ContainerOptions,
  ): Promise<ContractContainer> {
    const body = {
      Image: options.image,
      ...(options.command === undefined ? {} : { Cmd: options.command }),
      Env: options.environment,
      HostConfig: {
        Binds: options.binds,
        NetworkMode: options.network,
        ...(options.shmBytes === undefined ? {} : { ShmSize: options.shmBytes }),
      },
      NetworkingConfig: { EndpointsConfig: { [options.network]: { Aliases: options.aliases ?? [] } } },
    };
    const text = await mustCall(socketPath, 'POST', `/containers/create?name=${name}`, jsonBody(body));
    return new ContractContainer(socketPath, (JSON.parse(text) as { Id: string }).Id);
  }

  start(): Promise<string> {
    return mustCall(this.socketPath, 'POST', `/containers/${this.id}/start`);
  }

  /** SIGTERM, SIGKILL after `graceSeconds`; resolves with the exit code. */
  async stop(graceSeconds: number): Promise<number> {
    await mustCall(this.socketPath, 'POST', `/containers/${this.id}/stop?t=${graceSeconds}`);
    return this.exitCode();
  }

  /** Waits until the container has ended; its exit code. */
  async exitCode(): Promise<number> {
    const text = await mustCall(this.socketPath, 'POST', `/containers/${this.id}/wait`);
    return (JSON.parse(text) as { StatusCode: number }).StatusCode;
  }

  async running(): Promise<boolean> {
    const text = await mustCall(this.socketPath, 'GET', `/containers/${this.id}/json`);
    return (JSON.parse(text) as { State: { Running: boolean } }).State.Running;
  }

  /** Its address on its network, reachable from the host. */
  async address(): Promise<string> {
    const text = await mustCall(this.socketPath, 'GET', `/containers/${this.id}/json`);
    const { NetworkSettings: settings } = JSON.parse(text) as {
      NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
    };
    return Object.values(settings.Networks)[0]?.IPAddress ?? '';
  }

  async processes(): Promise<ContainerProcess[]> {
    const text = await mustCall(this.socketPath, 'GET', `/containers/${this.id}/top?ps_args=-eo%20pid,args`);
    const { Processes: rows } = JSON.parse(text) as { Processes: string[][] };
    return rows.map(([pid, ...command]) => ({ pid: Number(pid), command: command.join(' ') }));
  }

  /** Whole log, standard output and error together. */
  async log(): Promise<string> {
    const chunks: Buffer[] = [];
    const answer = await engineCall(
      this.socketPath,
      'GET',
      `/containers/${this.id}/logs?stdout=1&stderr=1`,
      undefined,
      'latin1',
    );
    let rest = Buffer.from(answer.text, 'latin1');
    while (rest.length >= FRAME_BYTES) {
      const end = FRAME_BYTES + rest.readUInt32BE(4);
      chunks.push(rest.subarray(FRAME_BYTES, end));
      rest = rest.subarray(end);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  async remove(): Promise<void> {
    await engineCall(this.socketPath, 'DELETE', `/containers/${this.id}?force=true&v=true`);
  }
}
