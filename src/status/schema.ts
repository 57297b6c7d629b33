import { type Static, type TSchema, Type } from 'typebox';

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const closed = { additionalProperties: false } as const;
const text = Type.String();
const bytes = Type.Integer({ minimum: 0 });
const percent = Type.Number({ minimum: 0, maximum: 100 });
const timestamp = Type.String({ description: 'RFC 3339, UTC' });
const literals = <const T extends string[]>(values: readonly [...T]) => Type.Enum(values as [...T]);

const DOWNLOAD_STATUSES = ['pending', 'downloading', 'completed', 'failed'] as const;
export type DownloadStatus = (typeof DOWNLOAD_STATUSES)[number];
const CONFIGURATION_STATES = ['not_configured', 'configuring', 'ready', 'error'] as const;
export type ConfigurationState = (typeof CONFIGURATION_STATES)[number];
const SERVICE_STATUSES = ['stopped', 'starting', 'running', 'failed'] as const;
export type ServiceStatus = (typeof SERVICE_STATUSES)[number];
const PERSISTENCE_STATES = ['volatile', 'persisted', 'corrupted'] as const;
export type PersistenceState = (typeof PERSISTENCE_STATES)[number];
export const DEPLOYMENT_STATUSES = ['in_progress', 'completed', 'failed'] as const;

/** A problem as it leaves the daemon; its codes are those of the one table. */
export const ProblemSchema = Type.Object(
  {
    code: text,
    class: literals(['transient', 'fatal', 'host', 'restart']),
    title: text,
    detail: text,
    remedy: text,
    since: timestamp,
  },
  closed,
);

const LastExitSchema = Type.Object(
  {
    at: timestamp,
    exit_code: nullable(Type.Integer()),
    oom_killed: Type.Boolean(),
    cause: text,
    attempt: Type.Integer({ minimum: 0 }),
    log_tail: Type.Array(text),
    /** What it was found to be: a code of the table of problems; absent while that is not known. */
    code: Type.Optional(text),
  },
  closed,
);
export type LastExit = Static<typeof LastExitSchema>;

const PullSchema = Type.Object(
  {
    phase: literals(['downloading', 'unpacking']),
    /** Of the compressed layers, those whose size is known. */
    bytes_done: bytes,
    bytes_total: nullable(bytes),
    bytes_unpacked: bytes,
    /** Of fetching and unpacking together. */
    percent: nullable(percent),
  },
  closed,
);
export type PullView = Static<typeof PullSchema>;

const ServiceFields = {
  service_status: literals(SERVICE_STATUSES),
  waiting_for: nullable(text),
  ready: Type.Boolean(),
  image: text,
  container_id: nullable(text),
  started_at: nullable(timestamp),
  restarts: Type.Integer({ minimum: 0 }),
  next_restart_at: nullable(timestamp),
  wanted: Type.Boolean(),
  pull: nullable(PullSchema),
  last_exit: nullable(LastExitSchema),
  overrides: Type.Record(Type.String(), text),
  problem: nullable(ProblemSchema),
};
const ServiceStatusSchema = Type.Object(
  { ...ServiceFields, backend_ready: Type.Optional(nullable(Type.Boolean())) },
  closed,
);
/** One service as /status shows it. `backend_ready` is there for `ui` only. */
export type ServiceView = Static<typeof ServiceStatusSchema>;

const DownloadSchema = Type.Object(
  {
    bytes_done: nullable(bytes),
    bytes_total: nullable(bytes),
    bytes_per_second: nullable(Type.Number({ minimum: 0 })),
    eta_seconds: nullable(Type.Number({ minimum: 0 })),
    files_done: nullable(Type.Integer({ minimum: 0 })),
    files_total: nullable(Type.Integer({ minimum: 0 })),
  },
  closed,
);
export type DownloadView = Static<typeof DownloadSchema>;

const ModelSchema = Type.Object(
  {
    model_identifier: nullable(text),
    pinned: Type.Boolean(),
    revision: nullable(text),
    download_status: literals(DOWNLOAD_STATUSES),
    configuration_state: literals(CONFIGURATION_STATES),
    active_status: Type.Boolean(),
    download: DownloadSchema,
    load: Type.Object({ phase: nullable(text), percent: nullable(percent) }, closed),
    memory_fit: Type.Object(
      {
        weights_bytes: nullable(bytes),
        kv_cache_bytes_per_token: nullable(bytes),
        max_model_len: nullable(Type.Integer()),
        verdict: nullable(text),
      },
      closed,
    ),
    problem: nullable(ProblemSchema),
  },
  closed,
);
export type ModelView = Static<typeof ModelSchema>;

const PhaseSchema = Type.Object(
  {
    name: text,
    state: literals(['pending', 'running', 'done', 'failed']),
    started_at: nullable(timestamp),
    finished_at: nullable(timestamp),
    /** From the start of the deployment to the start of this phase; phases overlap. */
    after_seconds: nullable(Type.Number({ minimum: 0 })),
    seconds: nullable(Type.Number({ minimum: 0 })),
  },
  closed,
);
export type PhaseView = Static<typeof PhaseSchema>;

const DeploymentSchema = Type.Object(
  {
    deployment_status: literals(DEPLOYMENT_STATUSES),
    deployment_timestamp: nullable(timestamp),
    instance_type: nullable(text),
    region: nullable(text),
    label: nullable(text),
    default_model_identifier: nullable(text),
    phases: Type.Array(PhaseSchema),
    target_seconds: Type.Integer(),
    target_met: nullable(Type.Boolean()),
    /** From its start to its end: what it took when it is completed, else at least so long; null while nothing is known. */
    expected_seconds: nullable(Type.Number({ minimum: 0 })),
    problem: nullable(ProblemSchema),
  },
  closed,
);
export type DeploymentView = Static<typeof DeploymentSchema>;

const ChatSchema = Type.Object(
  {
    persistence_state: nullable(literals(PERSISTENCE_STATES)),
    path: nullable(text),
    size_bytes: nullable(bytes),
    session_count: nullable(Type.Integer({ minimum: 0 })),
    last_message_at: nullable(timestamp),
    problem: nullable(ProblemSchema),
  },
  closed,
);
export type ChatView = Static<typeof ChatSchema>;

const DiskSchema = Type.Object({ path: text, bytes_total: bytes, bytes_free: bytes }, closed);
export type DiskView = Static<typeof DiskSchema>;

const GpuSchema = Type.Object(
  {
    index: nullable(Type.Integer({ minimum: 0 })),
    uuid: nullable(text),
    name: nullable(text),
    memory_bytes_total: nullable(bytes),
    memory_bytes_used: nullable(bytes),
    compute_capability: nullable(text),
    driver_version: nullable(text),
    cuda_version: nullable(text),
    temperature_celsius: nullable(Type.Number()),
    utilization_percent: nullable(percent),
    power_watts: nullable(Type.Number({ minimum: 0 })),
    mig_enabled: nullable(Type.Boolean()),
    ecc_errors_uncorrected: nullable(Type.Integer({ minimum: 0 })),
    row_remap_pending: nullable(Type.Boolean()),
    row_remap_failed: nullable(Type.Boolean()),
    recovery_action: nullable(text),
    last_xid: nullable(Type.Object({ code: Type.Integer(), at: timestamp, meaning: text }, closed)),
  },
  closed,
);
/** One GPU as /status shows it. */
export type GpuView = Static<typeof GpuSchema>;

const HostSchema = Type.Object(
  {
    gpus: nullable(Type.Array(GpuSchema)),
    disks: Type.Array(DiskSchema),
    docker: Type.Object(
      { version: nullable(text), api_version: nullable(text), reachable: Type.Boolean() },
      closed,
    ),
  },
  closed,
);
export type HostView = Static<typeof HostSchema>;

/** The whole answer of GET /status: the one source of its types, its validation and later its OpenAPI text. */
export const StatusSchema = Type.Object(
  {
    version: text,
    time: timestamp,
    uptime_seconds: Type.Integer({ minimum: 0 }),
    progress: Type.Object(
      { phase: text, percent: nullable(percent), eta_seconds: nullable(Type.Number({ minimum: 0 })) },
      closed,
    ),
    deployment: DeploymentSchema,
    model: ModelSchema,
    services: Type.Record(Type.String(), ServiceStatusSchema),
    chat: ChatSchema,
    host: HostSchema,
    problems: Type.Array(ProblemSchema),
    links: Type.Object({ ui: nullable(text), api: nullable(text) }, closed),
  },
  closed,
);
export type Status = Static<typeof StatusSchema>;
