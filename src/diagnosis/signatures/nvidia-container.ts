import type { Signature } from '../types.ts';

const CHECKED =
  'libnvidia-container 1.0 to 1.17 (src/nvc.c, src/driver.c, src/error.c, src/cli/dsl.c), nvidia-container-toolkit 1.20.0, moby 20.10 to 29.7.2; user reports 2018 to 2026';

/**
 * Refusals to give a container its GPU: words of nvidia-container-cli (`nvidia-container-cli: KIND error: …`), of the NVIDIA
 * runtime and of CDI, which the engine passes on in its refusal to start.
 */
export const NVIDIA_CONTAINER_SIGNATURES: readonly Signature[] = [
  {
    id: 'nvidia_driver_mismatch',
    family: 'nvidia',
    code: 'gpu_driver_mismatch',
    strength: 'host',
    symptom: 'Failed to initialize NVML: Driver/library version mismatch',
    patterns: [
      /driver\/library version mismatch/i,
      /NVRM: API mismatch/,
      /NVML_ERROR_LIB_RM_VERSION_MISMATCH|NVMLError_LibRmVersionMismatch|ERROR_LIB_RM_VERSION_MISMATCH/,
      /this kernel module has the version \d/,
    ],
    samples: [
      'Failed to initialize NVML: Driver/library version mismatch',
      'nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown.',
      'NVRM: API mismatch: the client has the version 535.161.07, but',
      'pynvml.NVMLError_LibRmVersionMismatch: Driver/library version mismatch',
      'failed to initialize NVML: ERROR_LIB_RM_VERSION_MISMATCH',
    ],
    checkedAgainst: `${CHECKED}; open kernel modules 595.45 (osapi.c), nvidia-smi 390 to 595, pynvml 11 to 13`,
  },
  {
    id: 'nvidia_driver_not_loaded',
    family: 'nvidia',
    code: 'gpu_driver_not_loaded',
    strength: 'host',
    outcome: true,
    symptom: 'nvidia-container-cli: initialization error: nvml error: driver not loaded',
    patterns: [
      /nvml error: driver not loaded/i,
      /NVML: Driver Not Loaded/i,
      /NVMLError_DriverNotLoaded|ERROR_DRIVER_NOT_LOADED/,
      /failed because it couldn't communicate with the NVIDIA driver/,
      /Make sure that the latest NVIDIA driver is installed and running/,
      /modprobe: FATAL: Module nvidia\S* not found/,
      /modprobe: ERROR: could not insert 'nvidia\w*': (?!File exists|Key was rejected|Required key|Operation not permitted)/,
      /NVRM: (?:version magic|disagrees about version)|nvidia\w*: (?:version magic|disagrees about version of symbol)/,
      /Error! (?:Bad return status for module build on kernel|Your kernel headers for kernel \S+ cannot be found)/,
      /stat failed: \/dev\/nvidia(?:ctl|0|-uvm): no such file or directory/,
    ],
    samples: [
      'nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown',
      'pynvml.NVMLError_DriverNotLoaded: Driver Not Loaded',
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
      'modprobe: FATAL: Module nvidia not found in directory /lib/modules/6.8.0-60-generic',
      "modprobe: ERROR: could not insert 'nvidia': No such device",
      'Error! Bad return status for module build on kernel: 6.8.0-60-generic (x86_64)',
    ],
    checkedAgainst: `${CHECKED}; nvidia-smi 390 to 595, kmod 27 to 31, dkms 2.8 to 3.1`,
  },
  {
    id: 'nvidia_driver_missing',
    family: 'nvidia',
    code: 'gpu_driver_missing',
    strength: 'host',
    symptom: 'nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1',
    patterns: [
      /load library failed: lib(?:nvidia-ml|cuda)\.so/i,
      /nvidia-container-cli\S*: initialization error: cannot open shared object file/,
      /failed to (?:initialize|load) NVML: (?:could not load NVML|ERROR_LIBRARY_NOT_FOUND)/i,
      /could not load NVML library: libnvidia-ml\.so\.1/i,
    ],
    samples: [
      'nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file: no such file or directory: unknown',
      'failed to create NVIDIA Container Runtime: failed to initialize NVML: ERROR_LIBRARY_NOT_FOUND',
    ],
    checkedAgainst: CHECKED,
  },
  {
    // Scripts ask for it on machines without a GPU as well, so it explains nothing that has another cause.
    id: 'nvidia_tool_missing',
    family: 'nvidia',
    code: 'gpu_driver_missing',
    strength: 'weak',
    symptom: 'bash: nvidia-smi: command not found',
    patterns: [
      /nvidia-smi['"]?: (?:command )?not found|Command 'nvidia-smi' not found/,
      /exec: "nvidia-smi": executable file not found in \$PATH/,
      /NVMLError_LibraryNotFound|NVML Shared Library Not Found/,
      /error opening lib(?:nvidia-ml|cuda)\.so\.1: /,
      /NVIDIA-SMI couldn't find libnvidia-ml\.so library/,
    ],
    samples: [
      'bash: nvidia-smi: command not found',
      'pynvml.NVMLError_LibraryNotFound: NVML Shared Library Not Found',
      "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display Driver is properly installed and present in your system.",
    ],
    checkedAgainst: 'nvidia-smi 390 to 595, pynvml 11 to 13, bash 5, Ubuntu command-not-found',
  },
  {
    id: 'nvidia_requirement',
    knownAs: 'old_driver',
    family: 'nvidia',
    code: 'gpu_driver_too_old',
    symptom:
      'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0, please update your driver',
    patterns: [
      /unsatisfied condition: (?<condition>(?:cuda|driver|arch|brand)\s*[<>=]=?\s*[\w.]+)/i,
      /requirement error: .{0,160}please update your driver/i,
      /cuda error: forward compatibility was attempted on non supported h/i,
    ],
    detail: ({ condition }) =>
      `the image needs ${condition ?? 'a newer driver'}, which the driver of this machine does not offer`,
    samples: [
      'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version, or use an earlier cuda container: unknown',
      'requirements not met: unsatisfied condition: cuda>=13.0 (cuda=12.4)',
      'nvidia-container-cli: initialization error: cuda error: forward compatibility was attempted on non supported hw',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'nvidia_device_unknown',
    family: 'nvidia',
    code: 'gpu_not_found',
    symptom: 'nvidia-container-cli: device error: 1: unknown device',
    patterns: [
      /nvidia-container-cli(?:\.real)?: device error: (?<device>.{1,80}?): unknown device/,
      /device error: unknown device id: (?<device>[\w:.-]+)/,
      /(?<device>GPU-[\w-]+): unknown device/,
      /failed to get device handle from (?:UUID|index)\b.{0,80}(?:ERROR_NOT_FOUND|ERROR_INVALID_ARGUMENT|Not Found|Invalid Argument)/i,
    ],
    detail: ({ device }) => `no GPU of this machine is called ${device ?? 'so'}`,
    samples: [
      'nvidia-container-cli: device error: 1: unknown device: unknown',
      'nvidia-container-cli: device error: GPU-1d2c3b4a-aaaa-bbbb-cccc-0123456789ab: unknown device: unknown',
      'nvidia-container-cli: device error: unknown device id: 3: unknown',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'nvidia_cdi',
    family: 'nvidia',
    code: 'gpu_cdi_missing',
    symptom: 'CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all',
    patterns: [
      /unresolvable CDI devices/,
      /CDI device injection failed/,
      /no CDI device driver registered|CDI registry initialization failure|AMD CDI spec not found/,
      /failed to (?:inject CDI devices|load CDI spec\w*|create CDI registry)/,
      /could not select device driver "cdi"/,
    ],
    samples: [
      'failed to create task for container: CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all',
      'could not select device driver "cdi" with capabilities: [[gpu]]: no CDI device driver registered',
      'failed to create NVIDIA Container Runtime: failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=0',
    ],
    checkedAgainst:
      'moby 25.0 to 29.7.2 (daemon/cdi.go), nvidia-container-toolkit 1.14 to 1.20.0, container-device-interface 0.6 to 1.0',
  },
  {
    id: 'nvidia_toolkit',
    family: 'nvidia',
    code: 'gpu_missing',
    symptom: 'could not select device driver "nvidia" with capabilities: [[gpu]]',
    patterns: [
      /could not select device driver "(?:nvidia)?" with capabilities/,
      // The same from Docker 29 on, which looks for CDI where it has no hook of the toolkit.
      /failed to discover GPU vendor from CDI|no known GPU vendor found/,
      /unknown or invalid runtime name: "?nvidia/i,
      /unknown runtime specified "?nvidia/i,
      /(?:exec: |fork\/exec |stat )"?\S{0,60}nvidia-container-(?:runtime|cli|toolkit)\S{0,20}"?.{0,40}(?:no such file|not found)/,
      /invoking the NVIDIA Container Runtime Hook directly/,
      /nvidia-container-runtime-hook.{0,60}not found|create nvidia_driver_[\d.]{3,20}: /,
      /nvidia-container-runtime\S{0,20} did not terminate successfully: exit status 127/,
    ],
    samples: [
      'could not select device driver "" with capabilities: [[gpu]]',
      'could not select device driver "nvidia" with capabilities: [[gpu]].',
      'failed to discover GPU vendor from CDI: no known GPU vendor found',
      'unknown or invalid runtime name: nvidia',
      'Unknown runtime specified nvidia',
      'OCI runtime create failed: exec: "nvidia-container-runtime": executable file not found in $PATH: unknown',
      'invoking the NVIDIA Container Runtime Hook directly (e.g. specifying the docker --gpus flag) is not supported. Please use the NVIDIA Container Runtime (e.g. specify the --runtime=nvidia flag) instead.',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'nvidia_cli_driver',
    family: 'nvidia',
    code: 'gpu_tool_failed',
    symptom: 'nvidia-container-cli: initialization error: driver rpc error: timed out',
    patterns: [
      /driver (?:rpc )?error: (?:timed out|failed to process request|unexpected rpc error)/,
      /nvidia-container-cli(?:\.real)?: (?:initialization|detection) error: (?:driver|cuda|nvml) error: (?:unknown error|timed out|internal)/,
    ],
    remedy: () =>
      'Run nvidia-smi; if it hangs or fails: reboot. If it works, load the driver before Docker: modprobe nvidia nvidia-uvm && systemctl restart docker.',
    samples: [
      'nvidia-container-cli: initialization error: driver rpc error: timed out: unknown',
      'nvidia-container-cli: initialization error: driver error: failed to process request',
      'nvidia-container-cli: detection error: nvml error: unknown error: unknown',
      'nvidia-container-cli: initialization error: cuda error: unknown error',
    ],
    checkedAgainst: CHECKED,
  },
  {
    id: 'nvidia_no_device',
    family: 'nvidia',
    code: 'gpu_not_found',
    symptom: 'nvidia-smi: No devices were found',
    patterns: [
      /^No devices were found$/,
      /initialization error: (?:cuda|nvml) error: no cuda-capable device/i,
      /NVRM: No NVIDIA (?:GPU|PCI devices|devices|graphics adapter) (?:found|probed)/,
      /unable to locate any GPU devices|WSL environment detected but no adapters were found/i,
    ],
    samples: [
      'No devices were found',
      'nvidia-container-cli: initialization error: cuda error: no cuda-capable device is detected: unknown',
      'NVRM: No NVIDIA GPU found.',
    ],
    checkedAgainst: `${CHECKED}; nvidia-smi 390 to 595, open kernel modules 595.45 (nv.c)`,
  },
  {
    id: 'nvidia_cli_mount',
    family: 'nvidia',
    code: 'gpu_missing',
    symptom: 'nvidia-container-cli: mount error: failed to add device rules',
    patterns: [
      /nvidia-container-cli(?:\.real)?: (?:mount|container|ldcache|permission|path|selection|namespace) error: /,
      /failed to add device rules: /,
      // Whatever else it refuses: what has a cause of its own stands above.
      /nvidia-container-cli(?:\.real)?: \w{1,20} error: /,
      /error running (?:prestart |createRuntime )?hook.{0,200}nvidia/,
      /nvidia-container-runtime\S{0,20} did not terminate suc{1,2}essfully/,
      /failed to create NVIDIA Container Runtime: (?!.{0,200}no runtime binary found)/,
    ],
    remedy: () =>
      'Upgrade nvidia-container-toolkit and Docker to current versions, then: nvidia-ctk runtime configure --runtime=docker && systemctl restart docker. In a virtual machine of its own without nested containers it needs no other setting.',
    samples: [
      'nvidia-container-cli: mount error: failed to add device rules: unable to find any existing device filters attached to the cgroup: bpf_prog_query(BPF_CGROUP_DEVICE) failed: operation not permitted: unknown',
      'nvidia-container-cli: initialization error: change root failed: no such file or directory: unknown',
      'nvidia-container-cli: container error: cgroup subsystem devices not found: unknown',
      'nvidia-container-cli: ldcache error: open failed: /sbin/ldconfig.real: no such file or directory: unknown',
      'nvidia-container-cli: mount error: file creation failed: /var/lib/docker/overlay2/x/merged/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1: file exists: unknown',
    ],
    checkedAgainst: CHECKED,
  },
];
