import type { Signature } from '../types.ts';

/** The software in the image: compilers, compiled kernels, packages. */
export const VLLM_SOFTWARE_SIGNATURES: readonly Signature[] = [
  {
    id: 'compiler',
    family: 'vllm',
    code: 'compiler_missing',
    symptom: 'Failed to find C compiler · InvalidCxxCompiler · Could not find nvcc · Python.h: No such file',
    patterns: [
      /Failed to find C compiler|InvalidCxxCompiler|No working C\+\+ compiler|Please specify via CC environment variable/,
      /Could not find nvcc|nvcc(?:'|")?:? (?:not found|command not found|No such file)|No such file or directory: ['"][^'"]{0,120}(?:nvcc|ninja|gcc|g\+\+|cc|ptxas|cicc|ldconfig)['"]|CUDA_HOME environment variable is not set|CUDA_HOME.{0,80}(?:not|is None)/i,
      /(?:Python|std\w+|math|assert)\.h: No such file or directory|Ninja is required to load C\+\+ extensions|ninja: (?:not found|command not found)|cuda(?:_runtime)?\.h: No such file|cannot find -l(?:cuda|cudart|stdc\+\+|python)/,
      /(?:gcc|g\+\+|cc1plus|clang): (?:not found|fatal error|error trying to exec|command not found)/i,
    ],
    samples: [
      'RuntimeError: Failed to find C compiler. Please specify via CC environment variable or set triton.knobs.build.impl.',
      "torch._inductor.exc.InductorError: InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx: (None, 'g++')",
      "RuntimeError: Could not find nvcc and default cuda_home='/usr/local/cuda' doesn't exist",
      "FileNotFoundError: [Errno 2] No such file or directory: 'ninja'",
    ],
    checkedAgainst: 'torch 2.3 to 2.13; triton 2.3 to 3.5; flashinfer 0.2 to 0.5',
  },
  {
    id: 'compile',
    family: 'vllm',
    code: 'compile_failed',
    symptom: 'torch._inductor…InductorError · triton CompilationError · ptxas error · BackendCompilerFailed',
    patterns: [
      /torch\._(?:inductor|dynamo)\.exc\.(?!TorchRuntimeError)\w+|BackendCompilerFailed|InductorError|LoweringException/,
      /triton\.\S{0,60}(?:CompilationError|OutOfResources|PTXASError|CompileTimeAssertionFailure)|PassManager::run failed|out of resource: shared memory/,
      /device kernel image is invalid|CppCompileError|ptxas\b.{0,4}failed with error code|failed to get the hash of the compiled graph/,
      /(?:ptxas|nvcc|cicc|tvm|NVRTC|nvrtc|hipcc|cudafe\+\+)(?: fatal| error|: error)|Internal Triton PTX codegen error|NVRTC_ERROR|CUDA compilation (?:error|failed)|PTXASError/,
      // Two processes write the same cache of compiled code, or somebody empties it.
      /^(?:FileNotFoundError|OSError): \[Errno (?:2|17|39|116)\] .{0,120}(?:\.triton\/|torchinductor_|torch_compile_cache|torch_extensions|flashinfer|deep_gemm).{0,200}/,
      /Ninja build failed|ninja: build stopped|Error (?:building|compiling) (?:extension|op|kernel)|\bCalledProcessError.{0,200}(?:gcc|cc|nvcc|ninja|g\+\+)/,
      /Failed to (?:load|compile|build) (?:the )?(?:compiled|AOT|kernel|graph|JIT)|JIT compilation (?:failed|error)|vLLM failed to compile the model|Assertion failed.{0,60}jit\/compiler/i,
      /Assertion (?:error|failed)[^']{0,200}(?:deep_?gemm|jit_kernels)/i,
      /deep_gemm.{0,120}(?:[Aa]ssert|fail|error)|DeepGEMM backend is not available/,
      /cudagraph.{0,80}(?:fail|error)|operation (?:not permitted|failed) (?:when|due to).{0,60}captur|cudaErrorStreamCapture\w+/i,
    ],
    samples: [
      'torch._inductor.exc.InductorError: RuntimeError: Triton compile failed',
      'triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 114688, Hardware limit: 101376. Reducing block sizes or `num_stages` may help.',
      'RuntimeError: Ninja build failed. Ninja output:',
      "torch._dynamo.exc.BackendCompilerFailed: backend='<vllm.compilation.backends.VllmBackend object at 0x7f>' raised:",
      'RuntimeError: Internal Triton PTX codegen error',
      'RuntimeError: Triton Error [CUDA]: device kernel image is invalid',
      "CalledProcessError: Command '['/usr/bin/gcc', '/tmp/tmpx/main.c', '-O3']' returned non-zero exit status 1.",
      "RuntimeError: Worker failed with error 'Assertion error (/workspace/deepgemm-src/csrc/jit_kernels/impls/smxx_fp8.hpp:233): next_n == 1 or next_n == 2', please check the stack trace above for the root cause",
      "FileNotFoundError: [Errno 2] No such file or directory: '/root/.triton/cache/0a1b2c/fused_moe_kernel.json.tmp.pid_7_1'",
    ],
    checkedAgainst: 'torch 2.3 to 2.13; triton 2.3 to 3.5; flashinfer 0.2 to 0.5',
  },
  {
    id: 'install',
    family: 'vllm',
    code: 'installation_broken',
    symptom:
      'ModuleNotFoundError · ImportError: undefined symbol · GLIBC not found · No module named vllm._C',
    patterns: [
      /^(?:\w+\.)*ModuleNotFoundError: No module named ['"](?<module>[\w.]+)['"]|No module named ['"]?(?<module>[\w.]+)/,
      /undefined symbol|version `(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+' not found|cannot open shared object file/,
      /cannot import name ['"](?<module>\w+)['"] from/,
      /^(?:\w+\.)*ImportError: /,
      /^AttributeError: (?:partially initialized )?module '(?<module>[\w.]+)' has no attribute/,
      /No package metadata was found for|PackageNotFoundError|DistributionNotFound|VersionConflict/,
      /'_OpNamespace' '\w+' object has no attribute|has no attribute '_C|torch\.ops\._C|Could not run '\S+' with arguments from the '\w+' backend|operator \w+::\w+ does not exist|\w+::\w+\(\) expected at most \d+ argument|_C::\w+\(\) is missing value/,
      /Numpy is not available|A module that was compiled using NumPy 1\.x cannot be run|numpy\.dtype size changed|numpy\.core\.multiarray failed to import/,
      /Failed to import transformers|Failed to import from vllm\._C/,
      /^NameError: name '(?:_C|\w*_ops|nccl\w+)' is not defined|_PlaceholderModule|packages? must be installed|OpenTelemetry is not available|\b(?:NIXL|Mooncake|LMCache|DeepEP|pplx[-_]kernels) is not (?:available|installed)/,
      // Syntax of a newer Python than the one that runs.
      /^TypeError: '(?:type|ABCMeta)' object is not subscriptable/,
      /Tried to instantiate class '_\w{1,40}\.|Ensure that it is registered via torch::class_/,
      /Error loading ASGI app|(?:Detected|Found) incompatible|requires .{0,60} but you have|is required for a normal functioning of this module/,
      /flashinfer-?\w* version .{0,80}does not match|Only one platform plugin can be activated/,
      /'hf_transfer' package is not available|ModelScope needs modelscope/,
      // transformers with a package `kernels` of another time.
      /^ValueError: Either a revision or a version must be specified/,
      /thread '.{0,60}' panicked at|pyo3_runtime\.PanicException/,
    ],
    detail: ({ module }) =>
      module === undefined
        ? 'the packages of the image do not fit together'
        : `${module} is missing or of another version`,
    samples: [
      "ModuleNotFoundError: No module named 'vllm._C'",
      'ImportError: /usr/local/lib/python3.12/dist-packages/vllm/_C.abi3.so: undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSsb',
      "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /opt/x.so)",
      "ImportError: cannot import name 'ProcessorMixin' from 'transformers'",
      "AttributeError: '_OpNamespace' '_C' object has no attribute 'rms_norm'",
      'importlib.metadata.PackageNotFoundError: No package metadata was found for vllm',
      'RuntimeError: operator torchvision::nms does not exist',
      'RuntimeError: operator _C::machete_gemm does not exist',
      "NameError: name 'ncclGetVersion' is not defined",
      'ValueError: Either a revision or a version must be specified.',
      "TypeError: 'ABCMeta' object is not subscriptable",
      "RuntimeError: Tried to instantiate class '_core_C.ScalarType', but it does not exist! Ensure that it is registered via torch::class_",
    ],
    checkedAgainst: 'Python 3.8 to 3.12; torch 2.3 to 2.13; vLLM 0.4.3 to 0.32',
  },
];
