import type { Signature } from '../types.ts';

/** What the GPU, its driver and the processes on several GPUs say: torch, NCCL, CUDA and vLLM's checks of the platform. */
export const VLLM_GPU_SIGNATURES: readonly Signature[] = [
  {
    id: 'old_driver',
    family: 'vllm',
    code: 'gpu_driver_too_old',
    warnings: true,
    symptom:
      'The NVIDIA driver on your system is too old · unsupported toolchain · unsupported display driver / cuda driver combination',
    patterns: [
      /driver on your system is too old(?: \(found version (?<driver>\d+)\))?/,
      /CUDA driver version is insufficient for CUDA runtime version|cudaErrorInsufficientDriver/,
      /compiled with an? unsupported toolchain|cudaErrorUnsupportedPtxVersion|CUDA_ERROR_UNSUPPORTED_PTX_VERSION/,
      /unsupported display driver ?\/ ?cuda driver combination|forward compatibility was attempted on non supported HW|cudaErrorCompatNotSupportedOnDevice|Error 80[34]:/,
      /unsatisfied condition: cuda ?>=|cuda>=\S+, please update your driver/,
    ],
    samples: [
      'RuntimeError: The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx',
      'torch.AcceleratorError: CUDA error: the provided PTX was compiled with an unsupported toolchain.',
      'RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that might have already set an error? Error 804: forward compatibility was attempted on non supported HW',
      'Error 803: system has unsupported display driver / cuda driver combination',
    ],
    checkedAgainst: 'torch 2.3 to 2.13, CUDA 11.8 to 13.0',
  },
  {
    id: 'kernel_image',
    family: 'vllm',
    code: 'gpu_too_old',
    warnings: true,
    symptom: 'CUDA error: no kernel image is available for execution on the device',
    patterns: [
      /no kernel image is available for execution on the device|cudaErrorNoKernelImageForDevice/,
      // The same, from kernels that are looked up when they are called, and from AMD's runtime.
      /(?:CUDA|HIP) error: invalid device function|(?:cuda|hip)ErrorInvalidDeviceFunction|hipErrorNoBinaryForGpu/,
      /No supported CUDA architectures found|FlashInfer requires GPUs? with/,
      /CUDA capability sm_\d+ is not compatible with the current PyTorch installation/,
      /(?:FlashAttention|Flash attention) only supports Ampere GPUs or newer/i,
      /too old to be supported by the triton|This kernel only supports sm\d+|^AssertionError: assert is_fa_version_supported\(/,
      /PTX \.version \S+ does not support \.target sm_\d+/,
      /ptxas fatal\s*: Value 'sm_\d+a?' is not defined for option 'gpu-name'/,
      /(?<!Bfloat16 is only supported on )(?:GPU|device)s? with (?:CUDA )?(?:compute )?capability (?:>=|of at least|at least|lower than|below|less than) ?\d/i,
      /requires? (?:an? )?GPUs? with (?:sm_?\d+|compute capability)/i,
      /Unknown CUDA arch|GPU architecture .{0,40}(?:not supported|unsupported)|Unsupported GPU architecture/i,
      /(?:requires?|needs?)(?: a)?(?: GPU with)? compute capability (?:>=|of at least|at least|\d)/i,
      /torch\.cuda\.get_device_capability.{0,60}(?:unsupported|not supported)|SM ?\d\d .{0,40}not supported/i,
    ],
    remedy: () =>
      'This image has no code for this GPU: use an image built for it (newer for a new GPU, older or with fewer features for an old one).',
    samples: [
      'RuntimeError: CUDA error: no kernel image is available for execution on the device',
      'RuntimeError: FlashAttention only supports Ampere GPUs or newer.',
      'RuntimeError: HIP error: invalid device function',
      'RuntimeError: Found Tesla P40 which is too old to be supported by the triton GPU compiler, which is used as the backend.',
      "ptxas fatal   : Value 'sm_120' is not defined for option 'gpu-name'",
    ],
    checkedAgainst: 'torch 2.3 to 2.13, CUDA 11.8 to 13.0, flash-attn 2',
  },
  {
    id: 'bf16',
    family: 'vllm',
    code: 'gpu_too_old',
    symptom: 'Bfloat16 is only supported on GPUs with compute capability of at least 8.0',
    patterns: [/Bfloat16 is only supported on GPUs with compute capability of at least/],
    remedy: () => 'Add --dtype half (float16) to the command of the api service, or leave --dtype out.',
    samples: [
      'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU has compute capability 7.5. You can use float16 instead by explicitly setting the`dtype` flag in CLI, for example: --dtype=half.',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32',
  },
  {
    id: 'no_gpu',
    family: 'vllm',
    code: 'gpu_missing',
    symptom:
      'Failed to infer device type · Found no NVIDIA driver on your system · No CUDA GPUs are available',
    patterns: [
      /Failed to infer device type/,
      /Found no NVIDIA driver on your system/,
      /No CUDA GPUs are available|no CUDA-capable device is detected|cudaErrorNoDevice|No HIP GPUs are available/,
      /local rank (?:\d+ )?(?:is )?out of bounds for 0 devices/i,
      /libcuda\.so(?:\.1)?: (?:cannot open shared object file|file too short|invalid ELF header)|Could not load dynamic library 'libcuda|cannot find (?:the )?lib(?:cuda|nvidia-ml)|libcuda\.so cannot (?:be )?found/i,
      /Torch not compiled with CUDA enabled|PyTorch was compiled without CUDA support|Cannot access accelerator device when none is available/,
      // vLLM 0.4, and 0.8 to 0.11: what they ask torch for where no platform was found.
      /No supported device detected|Device string must not be empty/,
      /ROCk module is NOT loaded|Unable to open \/dev\/kfd/,
      /(?:torch\.)?cuda\.is_available\(\) (?:is|returned) False/i,
      /No (?:supported )?(?:CUDA |GPU |accelerator )?(?:platform|device) (?:was )?detected.{0,60}(?:exit|abort|fail)/i,
    ],
    remedy: () =>
      'Give the container the GPU (deploy.resources.reservations.devices in the compose file) and check nvidia-smi on the host; then: ai-sandbox restart api.',
    samples: [
      'RuntimeError: Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging to help debug the issue.',
      'RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx',
      'RuntimeError: No CUDA GPUs are available',
      'RuntimeError: Device string must not be empty',
      'ImportError: libcuda.so.1: cannot open shared object file: No such file or directory',
    ],
    checkedAgainst: 'vLLM 0.4.3 to 0.32; torch 2.3 to 2.13',
  },
  {
    id: 'fabric',
    family: 'vllm',
    code: 'gpu_hardware_error',
    symptom: 'CUDA error: system not yet initialized (error 802)',
    patterns: [/system not yet initialized|cudaErrorSystemNotReady|Error 802:/],
    remedy: () =>
      'Start the fabric manager of the same version as the driver: systemctl enable --now nvidia-fabricmanager (machines with NVSwitch).',
    samples: [
      'RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that might have already set an error? Error 802: system not yet initialized',
    ],
    checkedAgainst: 'torch 2.3 to 2.13, CUDA 11.8 to 13.0',
  },
  {
    id: 'cuda_fault',
    family: 'vllm',
    code: 'gpu_fault',
    symptom:
      'CUDA error: an illegal memory access was encountered · device-side assert triggered · unspecified launch failure',
    patterns: [
      /CUDA error: (?:an illegal (?:memory access|instruction)|unspecified launch failure|device-side assert|uncorrectable ECC|misaligned address|operation not permitted|unknown error|the launch timed out|invalid (?:argument|program counter|resource handle|configuration argument)|hardware stack error|CUBLAS_STATUS_(?:EXECUTION_FAILED|NOT_INITIALIZED|INTERNAL_ERROR|INVALID_VALUE|NOT_SUPPORTED))/,
      /CUDA[_ ](?:ERROR_)?(?:ILLEGAL_ADDRESS|LAUNCH_FAILED|ECC_UNCORRECTABLE|ASSERT|MISALIGNED_ADDRESS|ILLEGAL_INSTRUCTION)\b/i,
      /torch\.AcceleratorError|block: \[\d+,\d+,\d+\], thread: \[\d+,\d+,\d+\] Assertion /,
      /CUDA error: GPU is lost/i,
      /illegal memory access was encountered|device-side assert triggered|uncorrectable ECC error encountered|cudaErrorIllegalAddress|cudaErrorLaunchFailure/,
      /HIP error: |Memory access fault by GPU|HSA_STATUS_ERROR/,
      /(?:CUBLAS|CUDNN|CUSPARSE)_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR|NOT_INITIALIZED|MAPPING_ERROR)/,
      /(?:fail\w*|error|invalid|could not) .{0,60}TMA [Dd]esc|TMA [Dd]esc\w*.{0,40}(?:fail|error|invalid)|cutlass.{0,60}(?:Error Internal|failed to (?:run|initialize))|Cuda failure (?:7|2)\d\d '/i,
      /Unexpected error from cudaGetDeviceCount\(\)|CUDA driver initialization failed|CUDA unknown error/,
      /CUDA (?:driver )?error: (?!peer access)[a-z][\w ,()'-]{3,80}/,
    ],
    strength: 'primary',
    samples: [
      'RuntimeError: CUDA error: an illegal memory access was encountered',
      'torch.AcceleratorError: CUDA error: unspecified launch failure',
      'RuntimeError: CUDA error: device-side assert triggered',
      'RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx( handle, opa, opb, m, n, k, &falpha, a, CUDA_R_16BF, lda, b, CUDA_R_16BF, ldb, &fbeta, c, CUDA_R_16BF, ldc, compute_type, CUBLAS_GEMM_DEFAULT_TENSOR_OP)`',
      'RuntimeError: CUDA error: uncorrectable ECC error encountered',
    ],
    checkedAgainst: 'torch 2.3 to 2.13',
  },
  {
    id: 'nccl',
    family: 'vllm',
    code: 'gpu_communication_failed',
    symptom: 'NCCL error: unhandled system error · ncclUnhandledCudaError · ncclRemoteError',
    strength: 'weak',
    patterns: [
      /NCCL (?:error|Error)|ncclUnhandledCudaError|nccl(?:System|Internal|Remote|InvalidUsage|InvalidArgument)Error|DistBackendError|NCCL_ERROR/,
      /NCCL WARN (?:\[\S+\] )?Cuda failure|Cuda failure \d+ '/i,
      /System call \(e\.g\. socket, malloc\) or external library call failed|oneCCL: .{0,80}EXCEPTION|CCL_ERROR\||Timed out initializing process group/,
      /ncclCommInitRank failed|unhandled (?:cuda|system) error.{0,40}NCCL|NCCL failure/i,
      /Watchdog caught collective operation timeout|Some NCCL operations have failed or timed out/,
      /custom_all_reduce.{0,160}(?:CUDA error|Error|fail|')|Cuda error .{0,80}custom_all_reduce|peer access is not supported between these two devices/i,
      /RCCL (?:error|failure)/,
    ],
    samples: [
      'RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)',
      'torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:317, unhandled cuda error (run with NCCL_DEBUG=INFO for details), NCCL version 2.21.5',
    ],
    checkedAgainst: 'torch 2.3 to 2.13; NCCL 2.18 to 2.28; vLLM 0.4.3 to 0.32',
  },
  {
    id: 'rendezvous',
    family: 'vllm',
    code: 'gpu_communication_failed',
    symptom:
      'The client socket has timed out while trying to connect · Gloo connectFullMesh failed · DistStoreError',
    strength: 'weak',
    patterns: [
      /client socket has (?:timed out|failed to connect)|DistNetworkError|DistStoreError|Timed out after \d+ seconds waiting for clients/,
      /gloo\/transport\/|Timed out waiting \d+ms for (?:recv|send) operation/,
      /[Gg]loo.{0,80}(?:connectFullMesh|fail|timed? ?out)|connectFullMesh failed|Connection closed by peer \[/,
      /TCPStore.{0,120}(?:fail|timed? ?out|Broken pipe|Connection reset)|(?:recvValue|sendBytes) failed/,
      /Neither 127\.0\.0\.1 nor ::1 are bound to a local interface|Unable to (?:resolve|find) (?:hostname|address|interface).{0,40}gloo|Unable to find address for/i,
      /makeDeviceForHostname\(\)|makeDeviceForInterface\(\)/,
      /Failed to get the IP address|VLLM_HOST_IP.{0,80}(?:not|invalid|must)/,
    ],
    remedy: () =>
      'Set VLLM_HOST_IP, NCCL_SOCKET_IFNAME and GLOO_SOCKET_IFNAME to the address and interface the processes share, and check firewalls between the machines.',
    samples: [
      'torch.distributed.DistNetworkError: The client socket has timed out after 600000ms while trying to connect to (10.0.0.2, 29500).',
      'RuntimeError: Gloo connectFullMesh failed with [../third_party/gloo/gloo/transport/tcp/pair.cc:144] no error',
    ],
    checkedAgainst: 'torch 2.3 to 2.13; vLLM 0.4.3 to 0.32',
  },
];
