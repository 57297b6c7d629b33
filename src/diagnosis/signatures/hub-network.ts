import type { Signature } from '../types.ts';

const HUB = 'huggingface_hub 0.20 to 1.33; transformers 4.40 to 5.0; vLLM 0.4.3 to 0.32';

/** Answers of the model hub, and of the way to it, that name no other cause. */
export const HUB_NETWORK_SIGNATURES: readonly Signature[] = [
  {
    id: 'hub_refused',
    knownAs: 'gated',
    family: 'hub',
    code: 'model_gated',
    strength: 'weak',
    symptom: '401 Client Error: Unauthorized for url · 403 Client Error: Forbidden for url',
    patterns: [
      /(?:40[13] Client Error|Client error '40[13]).{0,60}?(?:for url:? '?(?<url>[^\s']{1,300})|Request ID)/,
      /HTTP\/[\d.]+"? 40[13] (?:Unauthorized|Forbidden).{0,80}(?:huggingface|hf\.co)|(?:huggingface\.co|hf\.co)\S*"? .{0,30}40[13] (?:Unauthorized|Forbidden)/,
    ],
    detail: ({ url }) => (url === undefined ? 'the hub refused the request' : `the hub refused ${url}`),
    remedy: () =>
      'Accept the terms on the page of the model, and save a token that may read it in /etc/ai-sandbox/hf-token; check the id of the model.',
    samples: [
      'requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://huggingface.co/org/name/resolve/main/config.json',
    ],
    checkedAgainst: HUB,
  },
  {
    id: 'net',
    family: 'hub',
    code: 'hub_unreachable',
    warnings: true,
    symptom:
      'Max retries exceeded with url · Temporary failure in name resolution · ConnectTimeout · 503 Server Error',
    patterns: [
      /Temporary failure in name resolution|Name or service not known|nodename nor servname provided|No address associated with hostname|NameResolutionError|\bgaierror\b|Failed to resolve '|Could not resolve host|dns error|getaddrinfo failed/i,
      /Max retries exceeded with url|MaxRetryError|proxy authentication required|NewConnectionError|HTTPSConnectionPool|ProxyError|Tunnel connection failed|RemoteDisconnected|Remote end closed connection/,
      /couldn't connect to '?https?:\/\/|We couldn't connect to|Cannot reach https?:\/\/|Check your (?:internet )?connection|check your connection and try again|(?:^|: )Connection error, and we cannot find/i,
      /(?:httpx|httpcore|requests\.exceptions|urllib3\.exceptions|aiohttp\S{0,40})\.(?:\w*Connect\w*|\w*Timeout\w*|\w*Protocol\w*|ReadError|ChunkedEncodingError)\b/,
      /\b50[0234] Server Error|Server error '50[0234]|HTTP Error 50[0234]|(?:Bad Gateway|Service Unavailable|Gateway Time-?out).{0,80}for url/i,
      /LocalEntryNotFoundError|An error happened while trying to locate the files? on the Hub/,
      /HfHubHTTPError(?!: (?:Client error '?)?4\d\d)|(?:CAS|cas)(?: service|Client)? ?[Ee]rror|Data processing error|Background writer channel closed|hf_xet\S*\.\w*Error|An error occurred while downloading using `hf_transfer`/,
      /(?:Network is unreachable|No route to host|Connection (?:refused|reset by peer|timed out)).{0,120}(?:huggingface|hf\.co|hf-mirror|https?)|(?:huggingface\.co|hf\.co|hf-mirror).{0,200}(?:Network is unreachable|No route to host|Connection (?:refused|reset|timed out)|timed out)/i,
      // openai_harmony fetches the vocabulary of gpt-oss by itself, from another server.
      /error downloading or loading vocab file|failed to download or load vocab/,
      /^(?:urllib\.error\.)?URLError: |<urlopen error |Read timed out|ReadTimeoutError/,
    ],
    samples: [
      "requests.exceptions.ConnectionError: (MaxRetryError(\"HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url: /org/name/resolve/main/config.json (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 101] Network is unreachable'))\"), '(Request ID: 6)')",
      'httpx.ConnectError: [Errno -3] Temporary failure in name resolution',
      "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.",
      'huggingface_hub.errors.HfHubHTTPError: 503 Server Error: Service Unavailable for url: https://huggingface.co/api/models/org/name',
      'socket.gaierror: [Errno -2] Name or service not known',
      'huggingface_hub.errors.LocalEntryNotFoundError: An error happened while trying to locate the file on the Hub and we cannot find the requested files in the local cache. Please check your connection and try again or make sure your Internet connection is on.',
    ],
    checkedAgainst: `${HUB}; requests 2.31 to 2.32; httpx 0.27 to 0.28; hf_xet 1.0 to 1.5`,
  },
];
