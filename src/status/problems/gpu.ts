import type { ProblemRow } from './row.ts';

/** GPUs, their driver and the tools of both. */
export const GPU_PROBLEMS = {
  gpu_missing: {
    class: 'host',
    title: 'The engine cannot give the container a GPU',
    cause:
      'The NVIDIA container toolkit or driver is missing, the engine does not know of it, or the container was given none.',
    remedy:
      'Check nvidia-smi; then: nvidia-ctk runtime configure --runtime=docker && systemctl restart docker.',
  },
  gpu_driver_missing: {
    class: 'host',
    title: 'No NVIDIA driver is installed on this machine',
    cause:
      'The machine has a GPU, or a container asks for one, but the libraries or tools of the driver are not there.',
    remedy:
      'Run the installer, which brings it: bash /root/StackScript. By hand, the open one: apt-get install linux-headers-$(uname -r) nvidia-headless-580-open nvidia-utils-580 (Ubuntu), or nvidia-kernel-open-dkms nvidia-driver-cuda from the archive of NVIDIA (Debian), then: reboot.',
  },
  gpu_driver_not_loaded: {
    class: 'host',
    title: 'The NVIDIA driver is installed but not loaded',
    cause:
      'The kernel module is not loaded or not built for the running kernel, mostly after a new kernel was installed.',
    remedy:
      'Load it: modprobe nvidia. If that fails, bring it for this kernel: apt-get install linux-modules-nvidia-580-open-$(uname -r) (Ubuntu), or apt-get install linux-headers-$(uname -r) && dkms autoinstall (Debian), then: reboot. The installer does the same: bash /root/StackScript.',
  },
  gpu_driver_mismatch: {
    class: 'host',
    title: 'The loaded NVIDIA driver and its libraries have different versions',
    cause:
      'The driver was upgraded (often by unattended-upgrades) while the old kernel module stayed loaded.',
    remedy: 'Restart the machine: reboot. To keep it from coming back: apt-mark hold the nvidia packages.',
  },
  gpu_driver_blocked: {
    class: 'host',
    title: 'Secure Boot keeps the NVIDIA driver from being loaded',
    cause:
      'The kernel accepts only signed modules, and the module of the driver is not signed with a key it knows.',
    remedy:
      'Turn Secure Boot off (mokutil --disable-validation, then reboot), or enrol the key: mokutil --import /var/lib/shim-signed/mok/MOK.der, then reboot.',
  },
  gpu_driver_too_old: {
    class: 'host',
    title: 'The NVIDIA driver is too old for the image',
    cause: 'The CUDA version in the image needs a newer driver than the one of this machine.',
    remedy:
      'Upgrade the driver (CUDA 13 needs 580 or newer) and reboot, or use the image with the older CUDA: the tag with -cu129.',
  },
  gpu_nouveau: {
    class: 'host',
    title: 'The driver nouveau holds the GPU',
    cause: 'The free driver of the kernel was loaded first, so the NVIDIA driver cannot take the GPU over.',
    remedy:
      'Keep it out: echo "blacklist nouveau" > /etc/modprobe.d/blacklist-nouveau.conf && update-initramfs -u && reboot.',
  },
  gpu_unsupported: {
    class: 'host',
    title: 'The NVIDIA driver does not support this GPU',
    cause:
      'The GPU is too old for this driver version, too new for it, or needs the open variant of the kernel modules (Blackwell does).',
    remedy:
      'Install the driver that fits this GPU (the open kernel modules for Turing and newer: nvidia-headless-580-open on Ubuntu, nvidia-kernel-open-dkms from the archive of NVIDIA on Debian), then reboot.',
  },
  gpu_not_found: {
    class: 'host',
    title: 'The GPU that is asked for does not exist',
    cause: 'No GPU is attached, or the index or UUID in the compose file is not one of this machine.',
    remedy:
      'Compare with: nvidia-smi -L. Correct device_ids in the compose file, or use an instance with a GPU.',
  },
  gpu_absent: {
    class: 'host',
    title: 'This machine has no GPU: the model runs on its processor',
    cause:
      'The installer found no NVIDIA GPU, so the compose file for the processor was taken. It works, many times slower, and for small models only.',
    remedy:
      'Use an instance with a GPU (Linode: a g2-gpu plan). If this is what you want: echo AI_SANDBOX_TEMPLATE=cpu >>/etc/default/ai-sandbox && systemctl restart ai-sandbox.',
  },
  gpu_lost: {
    class: 'host',
    title: 'The GPU is no longer reachable',
    cause: 'The GPU has fallen off the bus: power, heat, a hardware fault, or the hypervisor took it away.',
    remedy:
      'Restart the machine: reboot. If it comes back, open a ticket with your provider: the GPU is faulty.',
  },
  gpu_access_lost: {
    class: 'restart',
    title: 'The container has lost its access to the GPU',
    cause:
      'A systemctl daemon-reload on the host took the device rights of running containers away; the GPU itself is well.',
    remedy:
      'The container is made anew by itself. To end it for good: use CDI, or "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json.',
  },
  gpu_needs_reset: {
    class: 'host',
    title: 'The GPU has to be reset',
    cause: 'Its memory or its own processor reported an error from which it only recovers by a reset.',
    remedy:
      'Reset it: ai-sandbox stop api && nvidia-smi --gpu-reset && ai-sandbox start api. If that is refused: reboot.',
  },
  gpu_hardware_error: {
    class: 'host',
    title: 'The hardware of the GPU is faulty',
    cause: 'The GPU reports uncorrectable errors of its memory or links.',
    remedy:
      'Restart the machine: reboot. If it comes back, open a ticket with your provider and ask for another instance.',
  },
  gpu_fault: {
    class: 'restart',
    title: 'The program on the GPU crashed',
    cause: 'A wrong memory access or an exception on the GPU; a bug of the program, rarely of the hardware.',
    remedy:
      'It is restarted by itself; if it comes back, use another vLLM image, and look for XIDs: journalctl -k | grep -i xid.',
  },
  gpu_cdi_missing: {
    class: 'host',
    title: 'The engine does not know the GPU by the name that is asked for',
    cause:
      'The list of GPUs for containers (the CDI specification) was never made, or is from another driver version.',
    remedy:
      'Make it anew: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml && systemctl restart docker.',
  },
  gpu_tool_failed: {
    class: 'host',
    title: 'The driver does not answer when asked about the GPU',
    cause:
      'nvidia-smi hangs or ends with an error that has no name here; the driver or the GPU may be stuck.',
    remedy: 'Run nvidia-smi by hand; if it hangs too: reboot.',
  },
} as const satisfies Record<string, ProblemRow>;
