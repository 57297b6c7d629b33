import { engineCall, jsonBody, mustCall } from '../images/engine-api.ts';
import { ContractContainer } from './container.ts';
import { waitForStart } from './http.ts';

/** What a contract runs against: images, a model, and how long starting may take. */
export interface ContractSubject {
  socketPath: string;
  apiImage: string;
  uiImage: string;
  /** Host directory mounted as /root/.cache/huggingface, with the model in its `hub/`. */
  modelsDirectory: string;
  /** Host directory for the page's database; empty. */
  chatsDirectory: string;
  /** `org/name` in that cache. */
  model: string;
  /** Options of `vllm serve` beside the model, its served name and `--shutdown-timeout`. */
  apiArguments: string[];
  /** `NAME=value` for each container, beside those of the contract. */
  apiEnvironment: string[];
  uiEnvironment: string[];
  /** How long either may take from start to its first answer. */
  startDeadlineMs: number;
}

export const API_KEY = 'contract-key';
export const ADMIN = { email: 'admin@example.org', password: 'contract-password' };
/** `--shutdown-timeout` of the api container, in seconds: enough for a short chat, short enough to wait for. */
export const SHUTDOWN_TIMEOUT_SECONDS = 5;
const GIB = 2 ** 30;
const SERVICE_PORTS = { api: 8000, ui: 8080 } as const;

/** The two containers of a contract run, on a network of their own. */
export class ContractPair {
  readonly subject: ContractSubject;
  readonly api: ContractContainer;
  readonly ui: ContractContainer;
  readonly #network: string;

  private constructor(
    subject: ContractSubject,
    network: string,
    api: ContractContainer,
    ui: ContractContainer,
  ) {
    this.subject = subject;
    this.#network = network;
    this.api = api;
    this.ui = ui;
  }

  /** Creates network and containers; starts nothing. */
  static async create(subject: ContractSubject, name: string): Promise<ContractPair> {
    const { socketPath } = subject;
    const network = `${name}-network`;
    await mustCall(socketPath, 'POST', '/networks/create', jsonBody({ Name: network, CheckDuplicate: true }));
    const api = await ContractContainer.create(socketPath, `${name}-api`, {
      image: subject.apiImage,
      command: [
        subject.model,
        '--served-model-name',
        subject.model,
        '--shutdown-timeout',
        String(SHUTDOWN_TIMEOUT_SECONDS),
        ...subject.apiArguments,
      ],
      environment: [
        `VLLM_API_KEY=${API_KEY}`,
        'HF_HUB_OFFLINE=1',
        'VLLM_NO_USAGE_STATS=1',
        ...subject.apiEnvironment,
      ],
      network,
      aliases: ['api'],
      binds: [`${subject.modelsDirectory}:/root/.cache/huggingface`],
      shmBytes: GIB,
    });
    const ui = await ContractContainer.create(socketPath, `${name}-ui`, {
      image: subject.uiImage,
      environment: [
        'ENABLE_OLLAMA_API=false',
        'OPENAI_API_BASE_URL=http://api:8000/v1',
        `OPENAI_API_KEY=${API_KEY}`,
        'WEBUI_SECRET_KEY=contract-secret',
        `WEBUI_ADMIN_EMAIL=${ADMIN.email}`,
        `WEBUI_ADMIN_PASSWORD=${ADMIN.password}`,
        'ENABLE_SIGNUP=false',
        'DEFAULT_MODEL_PARAMS={"function_calling": "legacy"}',
        'OFFLINE_MODE=true',
        ...subject.uiEnvironment,
      ],
      network,
      binds: [`${subject.chatsDirectory}:/app/backend/data`],
    });
    return new ContractPair(subject, network, api, ui);
  }

  /** `http://address:port` of a running container. */
  async url(service: 'api' | 'ui'): Promise<string> {
    return `http://${await this[service].address()}:${SERVICE_PORTS[service]}`;
  }

  /** Starts a container (again) and waits for `/health`. */
  async ready(service: 'api' | 'ui'): Promise<string> {
    if (!(await this[service].running())) await this[service].start();
    const url = await this.url(service);
    await waitForStart(
      `${url}/health`,
      this.subject.startDeadlineMs,
      async () => !(await this[service].running()),
    );
    return url;
  }

  /** Runs the api image once with another command line and environment; its exit code and log. */
  async runOnce(command: string[], environment: string[] = []): Promise<{ code: number; log: string }> {
    const once = await ContractContainer.create(this.subject.socketPath, `${this.#network}-once`, {
      image: this.subject.apiImage,
      command,
      environment: ['HF_HUB_OFFLINE=1', 'VLLM_NO_USAGE_STATS=1', ...environment],
      network: this.#network,
      binds: [`${this.subject.modelsDirectory}:/root/.cache/huggingface`],
    });
    try {
      await once.start();
      return { code: await once.exitCode(), log: await once.log() };
    } finally {
      await once.remove();
    }
  }

  async remove(): Promise<void> {
    await this.api.remove();
    await this.ui.remove();
    await engineCall(this.subject.socketPath, 'DELETE', `/networks/${this.#network}`);
  }
}
