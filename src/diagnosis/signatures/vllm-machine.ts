import type { Signature } from '../types.ts';

/** What the machine around the engine lacks: ports, space, rights, threads, instructions. */
export const VLLM_MACHINE_SIGNATURES: readonly Signature[] = [
  {
    id: 'shm',
    family: 'vllm',
    code: 'shared_memory_too_small',
    symptom: 'unable to open shared memory object · Bus error · insufficient shared memory (shm)',
    patterns: [
      /insufficient shared memory \(shm\)|unable to (?:open|write to|mmap|allocate|resize) (?:the )?shared memory|unable to mmap \d+ bytes from file <\/torch_|unable to open shared memory object/i,
      /\bBus error\b|signal SIGBUS|SIGBUS/,
      /(?:No space left on device|\[Errno 28\]).{0,160}(?:\/dev\/shm|shared.?memory|psm_|nccl-)|(?:\/dev\/shm|shared.?memory|nccl-).{0,160}(?:No space left on device|\[Errno 28\]|28)/i,
      // NCCL writes files nowhere else.
      /NCCL WARN .{0,120}(?:posix_fallocate|No space left on device)/,
      /Error while (?:creating|attaching to) shared memory segment|failed to (?:extend|create) \/dev\/shm/i,
      /(?:size of|space in) \/dev\/shm.{0,120}(?:too small|not enough|only|less than)/i,
    ],
    samples: [
      'RuntimeError: unable to open shared memory object </torch_123_456> in read-write mode: No space left on device (28)',
      'ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm).',
      'include/shm.h:28 NCCL WARN Call to posix_fallocate failed : No space left on device',
      'misc/shmutils.cc:72 NCCL WARN Error: failed to extend /dev/shm/nccl-8bYPzc to 9637892 bytes',
      'Fatal Python error: Bus error',
    ],
    checkedAgainst: 'torch 2.3 to 2.13; NCCL 2.18 to 2.28; Python 3.8 to 3.12',
  },
  {
    id: 'port',
    family: 'vllm',
    code: 'port_in_use',
    symptom: '[Errno 98] Address already in use',
    patterns: [
      /attempting to bind on address \('[^']{0,60}', (?<port>\d{1,5})\): address already in use/i,
      /\[Errno (?:98|48)\].{0,120}[Aa]ddress already in use|error while attempting to bind on address.{0,80}address already in use/i,
      /Address already in use \(addr='tcp:\/\/[^']{0,60}:(?<port>\d{1,5})'\)/,
      /\bEADDRINUSE\b|^(?:OSError|zmq\.error\.ZMQError): Address already in use|address already in use/i,
      /[Pp]ort (?:\d+ )?(?:is )?(?:already )?(?:in use|taken|allocated|occupied)/,
    ],
    remedy: ({ port }) =>
      port === undefined
        ? null
        : `Find its owner with: ss -ltnp 'sport = :${port}'; stop it, or change the port in the compose file.`,
    samples: [
      'OSError: [Errno 98] Address already in use',
      "[Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
      "zmq.error.ZMQError: Address already in use (addr='tcp://*:5570')",
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; uvicorn 0.23 to 0.38; pyzmq 25 to 27',
  },
  {
    id: 'disk',
    family: 'vllm',
    code: 'disk_full',
    symptom: 'OSError: [Errno 28] No space left on device',
    warnings: true,
    patterns: [
      /No space left on device|\[Errno 28\]|os error 28\b|ENOSPC/,
      /Disk quota exceeded|\[Errno 122\]|os error 122\b/,
      /Not enough free disk space to download the file/,
      /database or disk is full/,
    ],
    samples: [
      "OSError: [Errno 28] No space left on device: '/root/.cache/huggingface/hub/models--x/blobs/y.incomplete'",
      'RuntimeError: Data processing error: I/O error: No space left on device (os error 28)',
    ],
    checkedAgainst: 'Python 3.8 to 3.12; huggingface_hub 0.20 to 1.33; hf_xet 1.0 to 1.5',
  },
  {
    id: 'model_cache_rights',
    family: 'vllm',
    code: 'model_cache_not_writable',
    symptom: "PermissionError: [Errno 13] Permission denied: '/root/.cache/huggingface…'",
    warnings: true,
    patterns: [
      /(?:Permission denied|Read-only file system|\[Errno (?:13|30)\]).{0,160}(?:huggingface|\/hub\/|models--|\.locks|\/\.cache(?:\/?['"]|$))/,
      /PermissionError at \S{0,200}|There was a problem when trying to write in your cache folder|Could not set the permissions on the file .{0,160}(?:huggingface|models--)/,
      /(?:huggingface|models--|\/hub).{0,120}(?:Permission denied|Read-only file system|not writable)/,
    ],
    samples: [
      "PermissionError: [Errno 13] Permission denied: '/root/.cache/huggingface/hub/models--org--name'",
      "OSError: [Errno 30] Read-only file system: '/root/.cache/huggingface/hub/.locks'",
      "PermissionError: [Errno 13] Permission denied: '/.cache'",
      "PermissionError at /root/.cache/huggingface when downloading org/name. Check cache directory permissions. Common causes: 1) another user is downloading the same model; [Errno 13] Permission denied: '/root/.cache/huggingface/hub'",
    ],
    checkedAgainst: 'huggingface_hub 0.20 to 1.33; transformers 4.40 to 5.0',
  },
  {
    id: 'file_rights',
    family: 'vllm',
    code: 'file_permission_denied',
    symptom: 'PermissionError: [Errno 13] Permission denied · Read-only file system',
    patterns: [
      /\[Errno 13\] Permission denied(?:: ['"](?<path>[^'"]{1,300})['"])?/,
      /\[Errno 30\] Read-only file system(?:: ['"](?<path>[^'"]{1,300})['"])?/,
      /^PermissionError\b|\[Errno 1\] Operation not permitted|[Pp]ermission denied \(os error 13\)|uid not found: \d+/,
      // Neither /tmp nor another place for temporary files may be written: read-only, or full.
      /No usable temporary directory found in/,
    ],
    detail: ({ path }) =>
      path === undefined
        ? 'a file or directory may not be used by the container'
        : `${path} may not be used by the container`,
    samples: [
      "PermissionError: [Errno 13] Permission denied: '/models/x/config.json'",
      "KeyError: 'getpwuid(): uid not found: 1000'",
      "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp', '/usr/tmp', '/']",
    ],
    checkedAgainst: 'Python 3.8 to 3.12',
  },
  {
    id: 'process_limit',
    family: 'vllm',
    code: 'process_limit_reached',
    symptom: "can't start new thread · pthread_create failed · Too many open files",
    patterns: [
      /can't start new thread|pthread_create failed|libgomp: Thread creation failed|Thread creation failed|failed to create thread/i,
      /BlockingIOError: \[Errno 11\]|Resource temporarily unavailable|\[Errno 24\]|Too many open files/,
      /failed to spawn thread|ThreadPoolBuildError|OpenBLAS blas_thread_init/,
    ],
    samples: [
      "RuntimeError: can't start new thread",
      'libgomp: Thread creation failed: Resource temporarily unavailable',
      'OSError: [Errno 24] Too many open files',
    ],
    checkedAgainst: 'Python 3.8 to 3.12; glibc 2.31 to 2.39',
  },
  {
    id: 'cpu',
    family: 'vllm',
    code: 'cpu_unsupported',
    symptom: 'Illegal instruction · requires AVX512',
    patterns: [
      /\bIllegal instruction\b|SIGILL/,
      /(?:requires?|needs?|without) (?:the )?(?:AVX-?512|AVX2|AMX|avx512\w*|amx\w*)|(?:AVX-?512|AVX2|AMX|avx512\w*).{0,60}(?:not (?:supported|available|found)|is required|unsupported)/i,
      /CPU .{0,40}does not support .{0,60}(?:instruction|isa)|Unsupported CPU architecture/i,
      /built with baseline optimizations: ?.{0,80}your machine doesn't support/,
      /No enough allowed NUMA nodes|Auto thread-binding failed|[Ii]nvalid (?:CPU|NUMA|core) .{0,60}(?:VLLM_CPU_OMP_THREADS_BIND|bind)|VLLM_CPU_OMP_THREADS_BIND.{0,120}(?:must|invalid|not)/,
    ],
    samples: ['Fatal Python error: Illegal instruction', 'RuntimeError: The CPU backend requires AVX512'],
    checkedAgainst: 'vLLM CPU 0.6 to 0.32; Linux',
  },
];
