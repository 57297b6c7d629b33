import type { Signature } from '../types.ts';

const CHECKED =
  'Open WebUI 0.3.35, 0.5.20, 0.6.5, 0.10.1 (env.py, config.py, start.sh, utils/redis.py, retrieval/vector), 0.12.4 really run; redis-py 5 and 6, chromadb 0.5 to 1.x, qdrant-client 1.14, pymilvus 2.5';

/** Settings, secrets and neighbours of the page. */
export const OPEN_WEBUI_SETTINGS_SIGNATURES: readonly Signature[] = [
  {
    id: 'ui_secret',
    family: 'open-webui',
    code: 'chat_secret_missing',
    symptom: 'WEBUI_SECRET_KEY is not set',
    patterns: [
      /WEBUI_SECRET_KEY is not set/,
      /Required environment variable not found\. Terminating/,
      /WEBUI_SECRET_KEY_LENGTH must be a positive integer/,
    ],
    samples: [
      'SystemExit: WEBUI_SECRET_KEY is not set. Set it to a long random value',
      'ValueError: Required environment variable not found. Terminating now.',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_secret_file',
    family: 'open-webui',
    code: 'chat_secret_missing',
    symptom: '.webui_secret_key: Permission denied',
    patterns: [
      /\.webui_secret_key\S{0,4}:? (?:Permission denied|Read-only file system)/,
      /\[Errno (?:13|30)\] [^:]{3,40}: '[^']{0,200}\.webui_secret_key'/,
    ],
    remedy: () =>
      'Let the ui service read WEBUI_SECRET_KEY from .env, so that no file has to be written in the container.',
    samples: [
      '/app/backend/start.sh: line 29: .webui_secret_key: Permission denied',
      "OSError: [Errno 30] Read-only file system: '/app/backend/.webui_secret_key'",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_redis_url',
    family: 'open-webui',
    code: 'ui_setting_invalid',
    symptom: 'Redis URL must specify one of the following schemes',
    patterns: [
      /Redis URL must specify one of the following schemes/,
      /Invalid Redis URL scheme/,
      /Redis URL is required for cluster mode/,
    ],
    detail: () =>
      'REDIS_URL or WEBSOCKET_REDIS_URL is not an address of a Redis server (redis://HOST:6379/0)',
    samples: [
      'ValueError: Redis URL must specify one of the following schemes (redis://, rediss://, unix://)',
      "ValueError: Invalid Redis URL scheme ''; expected 'redis' or 'rediss'.",
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_redis',
    family: 'open-webui',
    code: 'chat_cache_unreachable',
    symptom: 'redis.exceptions.ConnectionError: Error 111 connecting to redis:6379',
    patterns: [
      /Error -?\d+ connecting to (?<address>[\w.:[\]-]{1,120})/,
      /redis\.exceptions\.(?:ConnectionError|TimeoutError|BusyLoadingError|AuthenticationError|NoPermissionError|ResponseError|ReadOnlyError)/,
      /(?:NOAUTH Authentication required|WRONGPASS invalid username-password pair|invalid username-password pair or user is disabled)/,
      /(?:MasterNotFoundError|No master found for)/,
      /Redis (?:connection|not) .{0,40}(?:failed|refused|lost|ready)/i,
      /Cannot (?:receive from|publish to) redis\.\.\. (?:retrying|giving up)/,
    ],
    detail: ({ address }) => `the Redis server ${address ?? ''} cannot be used`.replace(/ {2,}/g, ' '),
    samples: [
      'redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.',
      'redis.exceptions.ConnectionError: Error -2 connecting to valkey:6379. Name or service not known.',
      'Cannot receive from redis... retrying in 1 secs',
      'redis.exceptions.AuthenticationError: invalid username-password pair or user is disabled.',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_vector_server',
    family: 'open-webui',
    code: 'vector_store_failed',
    symptom: 'Could not connect to a Chroma server. Are you sure it is running?',
    patterns: [
      /Could not connect to (?:a Chroma server|tenant )/,
      /qdrant_client\.\S{1,80}Exception/,
      /MilvusException|Fail connecting to server on/,
      /(?:opensearchpy|elasticsearch|elastic_transport|pinecone|weaviate)\.\S{0,60}(?:Error|Exception|Timeout)/,
      /Failed to initialize (?:Pinecone|Qdrant|Milvus|Weaviate|OpenSearch)/i,
      /permission denied to create extension "vector"|Must be superuser to create this extension/,
      /could not open extension control file "[^"]{1,200}vector\.control"|extension "vector" is not available/,
      /The 'vector' column (?:type is not Vector|does not exist)|VECTOR_LENGTH .{0,80}does not match/,
    ],
    remedy: () =>
      'Check the vector database that VECTOR_DB names and its address; without VECTOR_DB the page keeps documents in files.',
    samples: [
      'ValueError: Could not connect to a Chroma server. Are you sure it is running?',
      'qdrant_client.http.exceptions.ResponseHandlingException: [Errno 111] Connection refused',
      'pymilvus.exceptions.MilvusException: <MilvusException: (code=2, message=Fail connecting to server on milvus:19530, illegal connection params or server unavailable)>',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_vector_files',
    family: 'open-webui',
    code: 'vector_store_failed',
    symptom: 'chromadb.errors.InternalError: … (code: 26) file is not a database',
    patterns: [
      /chromadb\.errors\.\w{1,40}: (?!.{0,300}(?:readonly|disk is full))/,
      /error returned from database: \(code: (?:11|26|14)\)/,
      /pyo3_runtime\.PanicException: (?:range|called|index)/,
      /panicked at rust\/\w+\/src\//,
      /Your system has an unsupported version of sqlite3\. Chroma requires/,
      /You are using a deprecated configuration of Chroma/,
      /error occurred while loading .{0,40}hnsw|Error (?:loading|creating|constructing) hnsw/i,
    ],
    samples: [
      'chromadb.errors.InternalError: error returned from database: (code: 26) file is not a database',
      'pyo3_runtime.PanicException: range start index 10 out of range for slice of length 9',
      'RuntimeError: Your system has an unsupported version of sqlite3. Chroma requires sqlite3 >= 3.35.0.',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_vector_python',
    family: 'open-webui',
    code: 'vector_store_failed',
    frames: /chromadb/,
    symptom: 'a traceback that ends inside chromadb',
    patterns: [
      /^(?:sqlite3\.\w+|KeyError|ValueError|AttributeError|TypeError|RuntimeError|OSError)\b.{0,300}(?:database|tenant|collection|_type|topic|settings|segment)/,
    ],
    samples: [],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_setting',
    family: 'open-webui',
    code: 'ui_setting_invalid',
    symptom: 'ValueError: Unsupported vector type / Invalid scheme in CORS_ALLOW_ORIGIN',
    patterns: [
      /Unsupported vector type: (?<value>\S{1,80})/,
      /Invalid (?:scheme|URL structure) in (?<name>CORS_ALLOW_ORIGIN)/,
      /^(?:ValueError: )?(?<value>'[^']{0,80}') is not a valid VectorType/,
      /Unsupported (?<name>PASSWORD_HASH_ALGORITHM)/,
      /(?:Pgvector|Oracle23ai) requires setting (?<name>\w{3,80})/,
      /\b(?!VLLM_|HF_|CUDA_|NCCL_|TORCH|RAY_|NVIDIA_|OMP_|LD_)(?<name>[A-Z][A-Z0-9_]{4,60}) (?:is enabled but|must be set|is not set\. Please|is set to \S{1,40}, which)/,
      /Required configuration missing: (?<name>[\w, ]{3,120})/,
      /Invalid duration string/,
      /Fernet key must be 32 url-safe base64-encoded bytes/,
      /Pickling .{0,40}OAUTH|(?<name>(?:OAUTH|OPENID|MICROSOFT|GOOGLE|LDAP)_\w{2,60}).{0,80}(?:invalid|missing|required|must be)/,
    ],
    detail: ({ name, value }) =>
      name !== undefined
        ? `the setting ${name} is not valid`
        : `a setting has the value ${value ?? 'of no use'}, which is not valid`,
    samples: [
      'ValueError: Unsupported vector type: nosuch',
      "ValueError: Invalid scheme in CORS_ALLOW_ORIGIN: 'example.com'. Only 'http' and 'https' and CORS_ALLOW_CUSTOM_SCHEME are allowed.",
      "ValueError: 'nosuch' is not a valid VectorType",
      'ValueError: PGVECTOR_PGCRYPTO is enabled but PGVECTOR_PGCRYPTO_KEY is not set. Please provide a valid key.',
      'ValueError: QDRANT_URI is not set. Please configure it in the environment variables.',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_setting_number',
    family: 'open-webui',
    code: 'ui_setting_invalid',
    frames: /open_webui\/(?:env|config)\.py/,
    symptom: 'invalid literal for int() in env.py or config.py',
    patterns: [
      /^(?:ValueError|TypeError|KeyError|json\.decoder\.JSONDecodeError|re\.error|AttributeError)\b.{0,300}/,
    ],
    samples: [],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_option',
    family: 'open-webui',
    code: 'ui_setting_invalid',
    symptom: 'No such option: --x / Invalid value for --port',
    patterns: [
      /No such option:? '?(?<option>--?[\w-]{1,60})/,
      /Invalid value for '?(?<option>--?[\w-]{1,60})/,
      /Got unexpected extra argument(?:s|\(s\))? \((?<option>[^)]{1,120})\)/,
      /Missing (?:option|argument|command)\b/,
      /Option '(?<option>--?[\w-]{1,60})' requires an argument/,
      /No such command '(?<option>[^']{1,60})'/,
    ],
    detail: ({ option }) => `the command line of the page has ${option ?? 'an option'}, which is not valid`,
    remedy: () => 'Correct command: of the ui service in the compose file, or leave it out.',
    samples: [
      'No such option: --no-such-option',
      "Error: Invalid value for '--port': 'http' is not a valid integer.",
      'Error: Got unexpected extra argument (extra)',
      'Got unexpected extra argument(s) (extra)',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'ui_port_denied',
    family: 'open-webui',
    code: 'ui_setting_invalid',
    symptom: "error while attempting to bind on address ('0.0.0.0', 80): permission denied",
    patterns: [
      /attempting to bind on address \([^)]{1,60}\): (?<reason>permission denied|cannot assign requested address)/i,
    ],
    remedy: () =>
      'Let the page listen on 8080 (PORT, HOST unset) and publish another port under ports: in the compose file.',
    samples: [
      "ERROR:    [Errno 13] error while attempting to bind on address ('0.0.0.0', 80): permission denied",
    ],
    checkedAgainst: 'uvicorn 0.30 to 0.40 and Python 3.11, 3.12 (asyncio/base_events.py)',
  },
  {
    id: 'ui_embedding',
    family: 'open-webui',
    code: 'hub_unreachable',
    symptom: 'ValueError: No embedding model is loaded',
    patterns: [/No embedding model is loaded/],
    remedy: () =>
      'Let the machine reach huggingface.co for the first start, or set RAG_EMBEDDING_ENGINE: openai for the ui service, or use Open WebUI 0.10 or newer, which starts without it.',
    samples: ['ValueError: No embedding model is loaded. Set RAG_EMBEDDING_MODEL'],
    checkedAgainst: CHECKED,
  },
];
