import type { Signature } from '../types.ts';

const HUB = 'huggingface_hub 0.20 to 1.33; transformers 4.40 to 5.0; vLLM 0.4.3 to 0.32';

/** What the client libraries of the model hub say: huggingface_hub, transformers, requests, httpx. */
export const HUB_SIGNATURES: readonly Signature[] = [
  {
    id: 'badtoken',
    family: 'hub',
    code: 'token_invalid',
    whole: true,
    symptom: 'Invalid credentials in Authorization header · Invalid user token · Illegal header value',
    patterns: [
      /Invalid credentials in Authorization header|Invalid token passed|Invalid user token|User Access Token .{0,60}(?:expired|invalid|revoked)/,
      /Illegal header value b'Bearer|(?:Invalid leading whitespace|return character).{0,80}header value/,
      // Said without a token as well, of a repository that is not there or is private: then the message says that, too.
      /^(?!.*Repository ?Not ?Found).*Invalid username or password/,
      // It asks who the token belongs to, and names no model.
      /40[13]\b.{0,60}for url:? '?\S{1,200}\/api\/whoami/,
      /LocalTokenNotFoundError|Token is required \(`token=True`\)|token .{0,40}(?:has been revoked|is invalid|has expired)/i,
    ],
    samples: [
      'huggingface_hub.errors.HfHubHTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/api/models/org/name (Request ID: Root=1-6) Invalid credentials in Authorization header',
      'ValueError: Invalid user token.',
      'requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://huggingface.co/api/whoami-v2',
      "httpx.LocalProtocolError: Illegal header value b'Bearer '",
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'gated',
    family: 'hub',
    code: 'model_gated',
    symptom: 'GatedRepoError · You are trying to access a gated repo · Access to model X is restricted',
    patterns: [
      /Access to model (?<model>\S+) is restricted/,
      /Cannot access gated repo for url \S*?(?:huggingface\.co|hf\.co)\/(?:api\/models\/)?(?<model>[\w.-]+\/[\w.-]+)\//,
      /GatedRepoError|You are trying to access a gated repo|Cannot access gated repo/,
      /awaiting a review from the repo authors|Your request to access model (?<model>\S+) has been rejected|not in the authorized list/,
      /enable access to public gated repositories in your fine-grained token settings/,
      /Make sure to (?:have access to it at|request access at) https?:\/\/\S*?\/(?<model>[\w.-]+\/[\w.-]+)/,
    ],
    detail: ({ model }) =>
      model === undefined
        ? 'the terms of the model are not accepted, or there is no token'
        : `${model} asks for consent to its terms and for a token`,
    remedy: ({ model }) =>
      model === undefined
        ? null
        : `Accept the terms at https://huggingface.co/${model.replace(/[.,]$/, '')}, then save your token in /etc/ai-sandbox/hf-token.`,
    samples: [
      'huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1-6)',
      'OSError: You are trying to access a gated repo.',
      'Cannot access gated repo for url https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct/resolve/main/config.json.',
      'Access to model google/gemma-2-9b-it is restricted and you are not in the authorized list. Visit https://huggingface.co/google/gemma-2-9b-it to ask for access.',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'rev',
    family: 'hub',
    code: 'revision_not_found',
    symptom: 'Revision Not Found for url · is not a valid git identifier',
    patterns: [
      /RevisionNotFoundError|Revision Not Found for url|is not a valid git identifier|Invalid rev id/,
    ],
    samples: [
      'huggingface_hub.errors.RevisionNotFoundError: 404 Client Error. (Request ID: Root=1-6)',
      'OSError: v9 is not a valid git identifier (branch name, tag name or commit id) that exists for this model name.',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'repo404',
    family: 'hub',
    code: 'model_not_found',
    symptom: 'RepositoryNotFoundError · is not a local folder and is not a valid model identifier',
    patterns: [
      /(?:^|[\s'"])(?<model>[\w./-]{1,200}) is not a local folder and is not a valid model identifier/,
      /Repository Not Found for url: \S*?(?:huggingface\.co|hf\.co)\/(?:api\/models\/)?(?<model>[\w.-]+\/[\w.-]+)/,
      /RepositoryNotFoundError|Repository Not Found for url|is not a local folder and is not a valid model identifier/,
      /Invalid repository ID or local directory specified: '(?<model>[^']{1,200})'/,
      /Invalid repository ID or local directory specified|If you are trying to access a private or gated repo/,
      /(?:404 Client Error: Not Found|Client error '404 Not Found') for url:? '?\S+\/api\/models\/(?<model>[\w.-]+\/[\w.-]+)/,
      // A mirror does not say what of it is not there.
      /HfHubHTTPError: (?:404 Client Error|Client error '404)/,
      /(?:modelscope|ModelScope).{0,120}(?:not exist|NotExist|not found)/i,
      /Model (?:path|directory|folder) ?\S{0,200} (?:does not exist|not found)/i,
    ],
    detail: ({ model }) =>
      model === undefined
        ? 'the hub knows no such model, or shows it only with a token'
        : `${model} is not on the hub, or private`,
    samples: [
      'huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. (Request ID: Root=1-6)',
      "OSError: mistralai/Mistral-7B-Instruct-v9 is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
      "ValueError: Invalid repository ID or local directory specified: 'org/nme'.",
      'Repository Not Found for url: https://huggingface.co/api/models/org/nme/tree/main?recursive=True&expand=False.',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'repo_id',
    knownAs: 'repo404',
    family: 'hub',
    code: 'model_not_found',
    strength: 'weak',
    symptom: "HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name'",
    patterns: [
      /Repo id must (?:be in the form|use alphanumeric|be a string)[^:]{0,120}: ?'?(?<model>[^'\s]{1,200})/,
      /HFValidationError|Repo id must (?:be|use)|Incorrect path_or_model_id: ?'?(?<model>[^'\s]{1,200})/,
    ],
    detail: ({ model }) =>
      model === undefined
        ? 'what is given as model is neither an id of the hub nor a directory that is there'
        : `${model.replace(/[.,]$/, '')} is neither an id of the hub nor a directory inside the container`,
    remedy: ({ model }) =>
      model?.startsWith('/') === true || model?.startsWith('.') === true
        ? 'Mount that directory into the container at this path, or set MODEL_ID to org/name.'
        : 'Set MODEL_ID to an id of the form org/name.',
    samples: [
      "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/models/x'. Use `repo_type` argument if needed.",
      "OSError: Incorrect path_or_model_id: '/models/x'. Please provide either the path to a local folder or the repo_id of a model on the Hub.",
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'offline',
    family: 'hub',
    code: 'model_incomplete',
    symptom:
      'OfflineModeIsEnabled · Cannot find an appropriate cached snapshot folder · outgoing traffic has been disabled',
    patterns: [
      /outgoing traffic has been disabled|OfflineModeIsEnabled|offline mode is enabled|HF_HUB_OFFLINE=1/,
      /Cannot find an appropriate cached snapshot folder|IncompleteSnapshotError/,
      /LocalEntryNotFoundError: Cannot find/,
    ],
    samples: [
      "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision on the local disk and outgoing traffic has been disabled. To enable repo look-ups and downloads online, pass 'local_files_only=False' as input.",
      'huggingface_hub.errors.OfflineModeIsEnabled: Cannot reach https://huggingface.co/api/models/org/name: offline mode is enabled. To disable it, please unset the `HF_HUB_OFFLINE` environment variable.',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'answer_invalid',
    family: 'hub',
    code: 'hub_answer_invalid',
    symptom: 'FileMetadataError: Distant resource does not have a Content-Length',
    patterns: [
      /FileMetadataError|Distant resource does not (?:have (?:a Content-Length|an ETag)|seem to be on huggingface)/,
      /CasObjectError\(FormatError/,
    ],
    samples: ['huggingface_hub.errors.FileMetadataError: Distant resource does not have a Content-Length.'],
    checkedAgainst: 'huggingface_hub 0.20 to 1.33; hf_xet 1.0 to 1.5',
  },
  {
    id: 'rate_limited',
    knownAs: 'net',
    family: 'hub',
    code: 'hub_rate_limited',
    warnings: true,
    symptom: '429 Client Error: Too Many Requests for url',
    patterns: [
      /429 Client Error|Client error '429|HTTP Error 429|\bStatus\(429\b|(?:hit|exceeded|reached) (?:the|your|our) (?:\S+ )?rate.?limit|RateLimitError.{0,80}hugging/i,
      /Too Many Requests.{0,120}(?:huggingface|hf\.co|for url)|429.{0,60}(?:huggingface\.co|hf\.co)/i,
    ],
    samples: [
      'huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: https://huggingface.co/api/models/org/name (Request ID: Root=1-6)',
      'HTTP Error 429 thrown while requesting HEAD https://huggingface.co/org/name/resolve/main/config.json',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'truncated',
    family: 'hub',
    code: 'model_file_corrupt',
    class: 'transient',
    symptom: 'Consistency check failed: file should be of size N but has size N',
    patterns: [
      /Consistency check failed: file should be of size (?<expected>\d+) but has size (?<actual>\d+)(?: \((?<file>[^)]{1,300})\))?/,
      // A partial file is longer than what the hub has.
      /416 Client Error|Client error '416|Requested Range Not Satisfiable/,
      /FileIntegrityError|integrity check failed, expected sha256|Consistency check failed|IncompleteRead\(|peer closed connection without sending complete message body/,
    ],
    detail: ({ expected, actual, file }) =>
      expected === undefined
        ? 'a transfer ended too soon'
        : `${file ?? 'a file'} has ${actual} bytes in place of ${expected}`,
    samples: [
      'OSError: Consistency check failed: file should be of size 4949453792 but has size 1203765248 (model-00001-of-00003.safetensors).',
      'huggingface_hub.errors.HfHubHTTPError: 416 Client Error: Requested Range Not Satisfiable for url: https://cdn-lfs.hf.co/repos/aa/bb',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'tls',
    knownAs: 'net',
    family: 'hub',
    code: 'hub_unreachable',
    class: 'fatal',
    warnings: true,
    symptom: 'SSL: CERTIFICATE_VERIFY_FAILED',
    patterns: [
      /CERTIFICATE_VERIFY_FAILED|certificate verify failed|self[- ]signed certificate|unable to get local issuer certificate/i,
      /\bSSLError\b(?!: \[SSL(?:\]| ?: ?KEY))|SSL: (?:UNEXPECTED_EOF|WRONG_VERSION_NUMBER|TLSV1_ALERT\w*|SSLV3_ALERT\w*)|Could not find a suitable TLS CA certificate bundle/,
    ],
    remedy: () =>
      "Put your network's own certificate authority into the container and name it in REQUESTS_CA_BUNDLE and SSL_CERT_FILE; check the clock and proxies.",
    samples: [
      "requests.exceptions.SSLError: HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /api/models/org/name (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1007)')))",
    ],
    checkedAgainst: `${HUB}; requests 2.31 to 2.32; httpx 0.27 to 0.28`,
  },
  {
    id: 'entry',
    family: 'hub',
    code: 'model_file_missing',
    symptom: 'does not appear to have a file named config.json · Entry Not Found for url',
    patterns: [
      /does not appear to have (?:a file named (?<file>\S+?)|files named .{1,120}?)(?:\. |$|\.$)/,
      /Entry Not Found for url: \S*\/(?<file>[\w.-]+)\.?$|(?<!Local)EntryNotFoundError|Entry Not Found for url/,
      /Can't load (?:the )?(?:configuration|model|weights) (?:of|for) '/,
      /(?:FileNotFoundError|OSError): (?:\[Errno 2\] )?No such file or directory:? ["']?(?![^"']{0,120}(?:\.triton\/|torchinductor_|torch_compile_cache|torch_extensions|flashinfer|deep_gemm))(?<file>[^"']{0,300}(?:\.safetensors|\.bin|\.json|\.gguf|\.model|\.pt|\/snapshots\/[^"']{0,200}))["']?/,
      /No such file or directory: "?(?<file>\S{0,300}\.(?:safetensors|gguf|bin))"?/,
      /(?:config|params|tokenizer|generation_config|preprocessor_config)\.json.{0,60}(?:not found|does not exist|is missing)/i,
      /^(?:\w+\.)*FileNotFoundError: .{0,200}(?:model|snapshot|huggingface|checkpoint)/i,
    ],
    detail: ({ file }) =>
      file === undefined ? 'the repository or directory lacks a file' : `${file} is missing`,
    samples: [
      "OSError: org/name does not appear to have a file named config.json. Checkout 'https://huggingface.co/org/name/tree/main' for available files.",
      'huggingface_hub.errors.EntryNotFoundError: 404 Client Error. (Request ID: Root=1-6)',
      "OSError: Can't load the configuration of '/models/x'. If you were trying to load it from 'https://huggingface.co/models', make sure you don't have a local directory with the same name.",
      'FileNotFoundError: No such file or directory: "/root/.cache/huggingface/hub/models--o--n/snapshots/abc/model-00002-of-00003.safetensors"',
    ],
    checkedAgainst: HUB,
  },
];
