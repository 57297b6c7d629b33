/**
 * How a problem behaves: `transient` passes by itself and is retried, `fatal` stands until a person changes something,
 * `host` needs something done to the machine, `restart` is cured by the restart that follows.
 */
export type ProblemClass = 'transient' | 'fatal' | 'host' | 'restart';

/** One row of the table: what the code means in plain words and what a person does about it. */
export interface ProblemRow {
  class: ProblemClass;
  /** One short sentence without a full stop. */
  title: string;
  /** Why it happens, for docs/operations.md. */
  cause: string;
  /** One thing a person can carry out. */
  remedy: string;
}

/**
 * Every problem the daemon can name. docs/operations.md is generated from it (`npm run docs`).
 * Rows are sorted by the room that finds them.
 */
export const PROBLEM_TABLE = {
  // the daemon itself
  setting_invalid: {
    class: 'fatal',
    title: 'A setting has a value that is not allowed',
    cause:
      'A variable in /etc/default/ai-sandbox, or in a drop-in of the unit, is not what it must be. The daemon does not start.',
    remedy: 'Correct it in /etc/default/ai-sandbox, then: systemctl restart ai-sandbox',
  },
  reload_failed: {
    class: 'fatal',
    title: 'Not everything that was read again is in force',
    cause:
      'A setting or the compose file has an error, or a setting takes effect only at a start. What was in force stays.',
    remedy:
      'Correct what is named, then: systemctl reload ai-sandbox; for a setting that needs it: systemctl restart ai-sandbox',
  },
  daemon_cannot_listen: {
    class: 'host',
    title: 'The daemon cannot open its port or its socket',
    cause: 'Another program has the port of AI_SANDBOX_LISTEN, or another daemon runs.',
    remedy: 'Do what the detail says; the daemon tries again by itself.',
  },
  daemon_defect: {
    class: 'restart',
    title: 'The daemon ended because of a defect of its own',
    cause: 'A case that nobody thought of. systemd starts the daemon again; the containers go on running.',
    remedy: 'If it comes back, report it with the records of: journalctl -u ai-sandbox -p debug -n 50',
  },

  // settings and files
  compose_file_missing: {
    class: 'fatal',
    title: 'The compose file is missing',
    cause: 'No file stands where the daemon reads what to run.',
    remedy:
      'Copy a template from /usr/share/ai-sandbox to /opt/ai-sandbox/docker-compose.yml; it is noticed by itself.',
  },
  compose_file_invalid: {
    class: 'fatal',
    title: 'The compose file has an error',
    cause: 'The file is not YAML, or has a key or value that is not supported. What runs is kept as it was.',
    remedy:
      'Correct the line that is named; check with: ai-sandbox config check. The corrected file is applied by itself.',
  },
  model_directory_not_mounted: {
    class: 'fatal',
    title: 'The model service has no model directory',
    cause: 'No bind mount at /root/.cache/huggingface in the api service: the model has nowhere to be kept.',
    remedy: 'Add to the api service: volumes: ["/opt/models:/root/.cache/huggingface"].',
  },
  state_file_corrupt: {
    class: 'transient',
    title: 'The state file was unreadable and has been set aside',
    cause:
      'The file was cut off or edited. Its copy is kept beside it as .corrupt-<time>; the state was rebuilt from Docker.',
    remedy: 'Nothing needs to be done; look at the copy if stopped services came back, and stop them again.',
  },
  state_not_writable: {
    class: 'host',
    title: 'The state cannot be written',
    cause: 'The state directory is read-only, full, or not ours.',
    remedy: 'Free space on, or mend the rights of, the directory that is named.',
  },
  motd_not_writable: {
    class: 'host',
    title: 'The login message cannot be written',
    cause: 'The motd file or its directory is read-only, full, or not ours.',
    remedy: 'Mend the rights of the file that is named, or set AI_SANDBOX_MOTD_FILE to another one.',
  },
  log_not_writable: {
    class: 'host',
    title: 'The log files cannot be written',
    cause: 'The log directory is read-only, full, or not ours.',
    remedy: 'Mend the rights of the directory that is named, or set AI_SANDBOX_LOG_DIR to another one.',
  },
  installer_step_failed: {
    class: 'host',
    title: 'A step of the installation failed',
    cause: 'The installer says which step and why; what that step brings is missing.',
    remedy:
      'Run the installer again, it goes on where it was: bash /root/StackScript. Its log: /var/log/stackscript.log.',
  },
  installer_interrupted: {
    class: 'host',
    title: 'The installation was interrupted',
    cause: 'The installer ended before its last step: a power cut, a reboot, or somebody ended it.',
    remedy:
      'Run the installer again, it goes on where it was: bash /root/StackScript. Its log: /var/log/stackscript.log.',
  },
  credentials_not_writable: {
    class: 'host',
    title: 'The credentials file cannot be written',
    cause: 'The home directory is missing, read-only or full, or something else has the name of the file.',
    remedy: 'Mend what is named; the credentials themselves are in .env beside the compose file.',
  },
  page_not_protected: {
    class: 'fatal',
    title: 'The chat page is not opened to the network: strangers could take it over',
    cause:
      'The compose file publishes the page on the network, but it has no administrator, lets anybody sign up, or asks nobody to sign in.',
    remedy:
      'Give ui WEBUI_ADMIN_EMAIL, WEBUI_ADMIN_PASSWORD and ENABLE_SIGNUP: "false" (in a page that has an administrator, turn sign-up off in its settings); it is opened by itself.',
  },
  api_not_protected: {
    class: 'fatal',
    title: 'The API is not opened to the network: it has no key',
    cause: 'The compose file publishes the API on the network, but gives vLLM no key.',
    remedy: 'Give api VLLM_API_KEY in the compose file, or publish it on 127.0.0.1; it is opened by itself.',
  },
  // Docker
  docker_unreachable: {
    class: 'host',
    title: 'The Docker engine does not answer',
    cause: 'The engine is stopped, hung, or listens on another socket.',
    remedy: 'Start it with: systemctl start docker (or restart it when it hangs: systemctl restart docker).',
  },
  docker_permission_denied: {
    class: 'host',
    title: 'The Docker socket may not be opened',
    cause: 'The daemon runs as a user without rights on the socket.',
    remedy: 'Run the daemon as root, or add its user to the group docker and restart it.',
  },
  engine_unsupported: {
    class: 'host',
    title: 'This kind of Docker engine is not supported',
    cause: 'A rootless or user-remapped engine sees other paths and user ids than the daemon.',
    remedy: 'Use the ordinary engine of the system (unix:///var/run/docker.sock).',
  },
  engine_call_failed: {
    class: 'transient',
    title: 'The Docker engine refused a call',
    cause: 'The engine answered with an error that has no name of its own here; its words are in the detail.',
    remedy: 'Read the detail; it is tried again by itself.',
  },
  name_taken: {
    class: 'fatal',
    title: 'A container of another owner has our name',
    cause:
      'A container with the name of a service stands there without compose labels, so it is never touched.',
    remedy: 'Rename or remove that container; the service starts by itself afterwards.',
  },
  image_not_found: {
    class: 'fatal',
    title: 'The image does not exist',
    cause: 'The registry knows neither this name nor this tag, or shows it only after a login.',
    remedy: 'Correct the image in the compose file, or log in: docker login REGISTRY.',
  },
  registry_login_failed: {
    class: 'fatal',
    title: 'The registry refuses the login',
    cause: 'The registry wants a user and password, or the saved ones are wrong.',
    remedy: 'Log in again: docker login REGISTRY; it is tried again by itself.',
  },
  registry_unreachable: {
    class: 'transient',
    title: 'The image registry does not answer',
    cause: 'The network, DNS, or the registry itself is down.',
    remedy: 'Check the network of this machine; it is tried again by itself.',
  },
  registry_rate_limited: {
    class: 'transient',
    title: 'The image registry limits downloads',
    cause: 'Too many downloads from this address without a login.',
    remedy: 'Log in for a higher limit: docker login REGISTRY; it is tried again by itself.',
  },
  image_pull_failed: {
    class: 'transient',
    title: 'The image could not be pulled',
    cause: 'The engine ended the pull with an error, or without the image being there.',
    remedy: 'Read the detail; it is tried again by itself.',
  },
  image_pull_stalled: {
    class: 'transient',
    title: 'The image pull stood still and was started again',
    cause: 'No byte arrived for the allowed time.',
    remedy: 'Check the network of this machine; it is tried again by itself.',
  },
  engine_broken: {
    class: 'host',
    title: 'The Docker engine cannot start containers',
    cause: 'A part of the engine (containerd, its shim, runc, the storage) is missing, stuck or damaged.',
    remedy:
      'Restart it: systemctl restart containerd docker. If that does not help, reinstall the packages docker-ce and containerd.io.',
  },
  engine_config_invalid: {
    class: 'host',
    title: 'The Docker engine cannot start: its settings have an error',
    cause:
      '/etc/docker/daemon.json is not valid JSON, has an unknown key, or contradicts the options of the service.',
    remedy:
      'Correct the file (check it with: dockerd --validate --config-file /etc/docker/daemon.json), then: systemctl restart docker.',
  },
  image_damaged: {
    class: 'host',
    title: 'The image on the disk is damaged',
    cause:
      'A layer is missing or was not stored whole: a full disk, a power cut, or a pull that was broken off.',
    remedy:
      'Remove it and pull it again: docker rmi -f IMAGE && docker pull IMAGE. If that fails: systemctl restart docker.',
  },
  image_wrong_platform: {
    class: 'fatal',
    title: 'The image is made for another kind of processor',
    cause:
      'The image has no variant for the processor of this machine (x86-64 or arm64), or its program is not one the kernel can run.',
    remedy: 'Use an image or tag for this processor (uname -m tells which it is).',
  },
  disk_too_small: {
    class: 'host',
    title: 'There is not enough space on the disk',
    cause: 'What has to be fetched does not fit beside the reserve that is kept free.',
    remedy: 'Free space (docker image prune, old models), or use a larger disk; it goes on by itself.',
  },
  disk_full: {
    class: 'host',
    title: 'The disk is full',
    cause: 'A write failed because no space is left.',
    remedy: 'Free space (docker image prune, old models); it goes on by itself.',
  },
  log_driver_unreadable: {
    class: 'fatal',
    title: 'The logs of a container cannot be read',
    cause: 'Its log driver does not give logs back, so causes of failures stay unknown.',
    remedy: 'Use the log driver "local" in the compose file.',
  },
  // services
  container_start_refused: {
    class: 'transient',
    title: 'The engine refused to start the container',
    cause: 'The engine named a reason that has no name of its own here; its words are in the detail.',
    remedy: 'Read the detail and mend what it names; it is tried again by itself.',
  },
  command_not_found: {
    class: 'fatal',
    title: 'The command of the container does not exist in its image',
    cause: 'The command or entrypoint in the compose file names a program the image does not have.',
    remedy: 'Correct command or entrypoint in the compose file; it is applied by itself.',
  },
  mount_source_missing: {
    class: 'fatal',
    title: 'A directory that is to be mounted does not exist',
    cause: 'The compose file mounts a host path that is not there, and forbids creating it.',
    remedy: 'Create the directory that is named, or allow its creation in the compose file.',
  },
  container_option_invalid: {
    class: 'fatal',
    title: 'The engine does not accept an option of the container',
    cause:
      'The compose file asks for something that this engine does not know, or that contradicts something else.',
    remedy: 'Correct what the detail names in the compose file; it is applied by itself.',
  },
  container_user_unknown: {
    class: 'fatal',
    title: 'The user of the container does not exist in its image',
    cause: 'user: in the compose file names a user or group that the image does not have.',
    remedy: 'Correct user: in the compose file, or use numbers (1000:1000).',
  },
  command_not_executable: {
    class: 'fatal',
    title: 'The command of the container may not be executed',
    cause:
      'The file has no right to be executed, is a directory, or lies on a file system that forbids it (noexec).',
    remedy: 'Correct command or entrypoint in the compose file, or make the file executable: chmod +x FILE.',
  },
  mount_invalid: {
    class: 'fatal',
    title: 'A mount of the container is not possible',
    cause:
      'A file is mounted on a directory or the other way round, a path is not absolute, or two mounts have one target.',
    remedy:
      'Correct the mount that the detail names in the compose file; a missing file on the host was perhaps made as a directory.',
  },
  mount_denied: {
    class: 'host',
    title: 'A directory cannot be mounted or created',
    cause:
      'The host path may not be read or made: rights, a read-only disk, SELinux, or a network disk that is away.',
    remedy: 'Mend the rights of the path that is named, or mount its disk; it is tried again by itself.',
  },
  device_missing: {
    class: 'host',
    title: 'A device that the container asks for does not exist',
    cause: 'The compose file names a device file of the host that is not there.',
    remedy: 'Correct devices: in the compose file; where it is a GPU, check the driver: nvidia-smi.',
  },
  network_missing: {
    class: 'transient',
    title: 'The network of the container does not exist',
    cause: 'It was removed, or is named external in the compose file and was never made.',
    remedy:
      'Make it: docker network create NAME; the network of the services themselves is made anew by itself.',
  },
  network_unavailable: {
    class: 'host',
    title: 'The engine has no addresses left for a network',
    cause:
      'All address ranges are in use by other networks, or the wanted one overlaps with one of the machine.',
    remedy:
      'Remove unused networks: docker network prune; or set default-address-pools in /etc/docker/daemon.json.',
  },
  firewall_rules_failed: {
    class: 'host',
    title: 'The engine cannot set its firewall rules',
    cause:
      'Something else (ufw, firewalld, a script) removed the chains of Docker, or iptables does not work with this kernel.',
    remedy:
      'Let the engine set them anew: systemctl restart docker. If it persists, check iptables: update-alternatives --display iptables.',
  },
  resource_limit_refused: {
    class: 'fatal',
    title: 'A limit of the container cannot be set',
    cause:
      'The compose file asks for more CPUs than there are, for too little memory, or for limits that exclude each other.',
    remedy: 'Correct the limits that the detail names in the compose file.',
  },
  cgroup_failure: {
    class: 'host',
    title: 'The engine cannot set up the control group of the container',
    cause:
      'The cgroup file systems are missing or were changed, or engine and systemd do not agree on who manages them.',
    remedy:
      'Restart the engine: systemctl restart docker; if it persists, reboot. Engine and kernel must use the same cgroup version.',
  },
  security_profile_missing: {
    class: 'host',
    title: 'A security profile cannot be applied',
    cause: 'The AppArmor, seccomp or SELinux profile is missing, not loaded, or has an error.',
    remedy: 'Load it again: systemctl restart apparmor docker; or correct security_opt in the compose file.',
  },
  port_in_use: {
    class: 'transient',
    title: 'A port is taken by another program',
    cause: 'Another process or container already listens on the port of this service.',
    remedy: 'Find its owner with: ss -ltnp; stop it, or change the port in the compose file.',
  },
  gpu_missing: {
    class: 'host',
    title: 'The engine cannot give the container a GPU',
    cause:
      'The NVIDIA container toolkit or driver is missing, the engine does not know of it, or the container was given none.',
    remedy:
      'Check nvidia-smi; then: nvidia-ctk runtime configure --runtime=docker && systemctl restart docker.',
  },
  // GPU and driver
  gpu_driver_missing: {
    class: 'host',
    title: 'No NVIDIA driver is installed on this machine',
    cause:
      'The machine has a GPU, or a container asks for one, but the libraries or tools of the driver are not there.',
    remedy:
      'Install the driver and restart the machine: apt-get install nvidia-driver-580-server (Ubuntu) or nvidia-driver (Debian), then: reboot.',
  },
  gpu_driver_not_loaded: {
    class: 'host',
    title: 'The NVIDIA driver is installed but not loaded',
    cause:
      'The kernel module is not loaded or not built for the running kernel, mostly after a new kernel was installed.',
    remedy:
      'Load it: modprobe nvidia. If that fails, build it for this kernel (dkms autoinstall, with linux-headers-$(uname -r) installed) and reboot.',
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
      'Install the driver that fits this GPU (the open kernel modules for Turing and newer: nvidia-driver-580-server-open), then reboot.',
  },
  gpu_not_found: {
    class: 'host',
    title: 'The GPU that is asked for does not exist',
    cause: 'No GPU is attached, or the index or UUID in the compose file is not one of this machine.',
    remedy:
      'Compare with: nvidia-smi -L. Correct device_ids in the compose file, or use an instance with a GPU.',
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
  container_exited: {
    class: 'restart',
    title: 'The service ended without being asked to',
    cause:
      'Its main process exited; the exit code 0 is a failure too. The last lines of its log stand in last_exit.',
    remedy: 'It is restarted by itself; if it comes back, read: ai-sandbox logs SERVICE.',
  },
  out_of_memory: {
    class: 'host',
    title: 'The service was killed because the memory ran out',
    cause: 'The kernel ended the largest process of the container.',
    remedy: 'Give the container or the machine more memory, or use a smaller model.',
  },
  not_responding: {
    class: 'restart',
    title: 'The service ran but answered no request',
    cause: 'Three probes in a row were missed; the process is there but hangs.',
    remedy: 'It is killed and restarted by itself; if it comes back, read: ai-sandbox logs SERVICE.',
  },
  start_stalled: {
    class: 'restart',
    title: 'The service stopped making progress while starting',
    cause: 'No byte, log line or phase moved for the silence limit.',
    remedy: 'It is restarted by itself; if it comes back, read: ai-sandbox logs SERVICE.',
  },
  restart_loop: {
    class: 'fatal',
    title: 'The service fails again and again for the same cause',
    cause: 'Several restarts in a short time ended in the same failure.',
    remedy: 'Mend the cause in last_exit, then: ai-sandbox restart SERVICE.',
  },
  kv_cache_too_small: {
    class: 'fatal',
    title: 'The context of the model needs more GPU memory than is left',
    cause:
      'The KV cache that fits beside the weights is smaller than one request of the full context. The daemon lowers the context by itself where the message names a length that fits.',
    remedy: 'Set --max-model-len in the compose file to a lower number, or use a GPU with more memory.',
  },
  chat_template_missing: {
    class: 'fatal',
    title: 'The model cannot chat: it has no chat template',
    cause: 'The engine runs, but the tokenizer of the model brings no template, so every chat is refused.',
    remedy: 'Use an instruct model, or add --chat-template FILE to the command of the api service.',
  },
  api_key_refused: {
    class: 'fatal',
    title: 'The engine refuses the API key of the daemon',
    cause: 'The key in .env is not the one that the container was started with.',
    remedy: 'Let the api service read VLLM_API_KEY from .env, then: ai-sandbox restart api.',
  },
  // model
  model_id_invalid: {
    class: 'fatal',
    title: 'The model id is not of the form org/name',
    cause: 'MODEL_ID in .env (or in the environment of the daemon) is no valid id of a hub.',
    remedy: 'Set MODEL_ID to org/name, for example mistralai/Mistral-7B-Instruct-v0.3.',
  },
  model_not_found: {
    class: 'fatal',
    title: 'The hub does not know this model',
    cause: 'The id is misspelt, or the model is private and the token may not see it.',
    remedy: 'Correct MODEL_ID in .env, or save a token that may see it in /etc/ai-sandbox/hf-token.',
  },
  model_gated: {
    class: 'fatal',
    title: 'The model may only be fetched after its terms are accepted',
    cause: 'The owner of the model asks for consent, and for a token of an account that has given it.',
    remedy: 'Accept the terms on the page of the model, then save your token in /etc/ai-sandbox/hf-token.',
  },
  token_invalid: {
    class: 'fatal',
    title: 'The hub does not accept the token',
    cause: 'The token was revoked or mistyped.',
    remedy: 'Save a valid token in /etc/ai-sandbox/hf-token; it is noticed by itself.',
  },
  revision_not_found: {
    class: 'fatal',
    title: 'The hub does not know this revision of the model',
    cause: 'The branch, tag or commit does not exist.',
    remedy: 'Use the branch main, or correct the revision.',
  },
  model_without_weights: {
    class: 'fatal',
    title: 'The model has no weights that vLLM can load',
    cause: 'The repository holds neither safetensors nor PyTorch weights.',
    remedy: 'Choose a repository with safetensors files.',
  },
  model_disabled: {
    class: 'fatal',
    title: 'The hub has disabled this model',
    cause: 'The owner or the hub has closed the repository; nobody can fetch it.',
    remedy: 'Choose another model in MODEL_ID.',
  },
  token_missing: {
    class: 'fatal',
    title: 'The hub gives nothing without a token',
    cause: 'The hub (often a mirror of a company) refuses every question that comes without a token.',
    remedy: 'Save a token of this hub in /etc/ai-sandbox/hf-token; it is noticed by itself.',
  },
  architecture_unsupported: {
    class: 'fatal',
    title: 'vLLM cannot serve chats with this kind of model',
    cause:
      'The architecture in the config.json of the model is not one that vLLM can load, or it is not made for chats.',
    remedy: 'Choose a chat model of a supported family in MODEL_ID, for example Qwen/Qwen3-8B.',
  },
  gpu_too_small: {
    class: 'fatal',
    title: 'The GPU has too little memory for this model',
    cause:
      'The weights and the smallest useful context do not fit into what the engine may take of the memory.',
    remedy: 'Choose a smaller or quantised (AWQ, FP8) model in MODEL_ID, or a plan with a larger GPU.',
  },
  hub_unreachable: {
    class: 'transient',
    title: 'The model hub does not answer',
    cause: 'The network, DNS, or the hub itself is down.',
    remedy: 'Check the network of this machine (curl -I https://huggingface.co); it goes on by itself.',
  },
  hub_rate_limited: {
    class: 'transient',
    title: 'The model hub limits requests',
    cause: 'Too many requests from this address.',
    remedy: 'A token raises the limit: save one in /etc/ai-sandbox/hf-token; it goes on by itself.',
  },
  hub_answer_invalid: {
    class: 'fatal',
    title: 'The hub sent something that cannot be trusted',
    cause: 'A file name, hash or size in its answer is not valid; nothing of it was written.',
    remedy: 'Check HF_ENDPOINT and the repository; use another copy of the model.',
  },
  model_checksum_mismatch: {
    class: 'fatal',
    title: 'A file of the model has the wrong checksum, twice',
    cause: 'What arrives is not what the hub announces: a broken mirror, proxy or disk.',
    remedy: 'Check HF_ENDPOINT, proxies and the disk; then: ai-sandbox model retry.',
  },
  model_cache_not_writable: {
    class: 'host',
    title: 'The model directory cannot be written',
    cause:
      'The directory is read-only or not ours, or lies where the unit lets the daemon write nothing: outside of /opt, /var, /srv, /mnt, /media, /etc and the homes.',
    remedy:
      'Mend the rights of the directory that is named; it goes on by itself. For EROFS: systemctl edit ai-sandbox, with [Service] and ReadWritePaths=DIRECTORY.',
  },
  // chats
  chat_not_mounted: {
    class: 'fatal',
    title: 'Chats are lost when the chat service is re-created',
    cause: 'Nothing is mounted at /app/backend/data of the ui service.',
    remedy: 'Add to the ui service: volumes: ["/opt/open-webui:/app/backend/data"].',
  },
  chat_directory_not_writable: {
    class: 'host',
    title: 'The chat directory cannot be written',
    cause: 'The directory is read-only or not ours.',
    remedy: 'Mend the rights of the directory that is named.',
  },
  chat_database_elsewhere: {
    class: 'fatal',
    title: 'The chats are kept somewhere else',
    cause:
      'The page is ready, but has made no database in the directory that is mounted for it: DATABASE_URL or DATA_DIR sends it elsewhere, where the daemon cannot see whether it lasts, or its file was removed under it.',
    remedy:
      'Take DATABASE_URL and DATA_DIR out of the ui service in the compose file, or see yourself to the database they name.',
  },
  chat_database_corrupt: {
    class: 'fatal',
    title: 'The chat database is damaged',
    cause: 'The check of the database found damage, after a power cut or a failing disk.',
    remedy: 'Stop the chat service (ai-sandbox stop ui), restore a copy of webui.db, start it again.',
  },
  // the engine and its model, from its log
  gpu_out_of_memory: {
    class: 'fatal',
    title: 'The memory of the GPU ran out',
    cause:
      'Weights, KV cache and working memory together need more GPU memory than there is, at this length, batch size and utilisation.',
    remedy:
      'Lower --gpu-memory-utilization, --max-num-seqs or --max-model-len, add --enforce-eager, or use a smaller or quantised model.',
  },
  gpu_memory_busy: {
    class: 'transient',
    title: 'The memory of the GPU is in use by another process',
    cause: 'Another program, or an old container that is not yet gone, holds GPU memory that vLLM wants.',
    remedy:
      'Wait for the old container to end; find other users with nvidia-smi and stop them, or lower --gpu-memory-utilization.',
  },
  context_too_long: {
    class: 'fatal',
    title: 'The requested context is longer than the model allows',
    cause: '--max-model-len is larger than what the configuration of the model names.',
    remedy: 'Lower --max-model-len to the limit in the detail, or leave the option out.',
  },
  remote_code_refused: {
    class: 'fatal',
    title: 'The model wants to run its own code',
    cause: 'The repository of the model brings Python code, which is only run with consent.',
    remedy:
      'Read the code of the repository; if you trust it, add --trust-remote-code to the command of the api service.',
  },
  tokenizer_unusable: {
    class: 'fatal',
    title: 'The tokenizer of the model cannot be loaded',
    cause:
      'A file of the tokenizer is missing or damaged, a package it needs is not there, or the tokenizer mode does not fit.',
    remedy:
      'Fetch the model again (ai-sandbox model retry), or set --tokenizer and --tokenizer-mode to what the model needs.',
  },
  gpu_too_old: {
    class: 'fatal',
    title: 'The GPU cannot do what is asked of it',
    cause:
      'The data type, the quantisation or the compiled kernels need a newer generation of GPU (a higher compute capability).',
    remedy: 'Use --dtype half or another model format as the detail tells, or a newer GPU.',
  },
  model_incomplete: {
    class: 'fatal',
    title: 'The model is not complete on the disk and may not be fetched',
    cause: 'The engine runs offline, and a file it needs is not in the model directory.',
    remedy:
      'Let the daemon complete the download (ai-sandbox model retry), or allow the engine to go online (remove HF_HUB_OFFLINE).',
  },
  model_file_corrupt: {
    class: 'fatal',
    title: 'A file of the model is damaged',
    cause:
      'A weight file is cut off, or is no weight file at all (often the small text that stands for a large file in git).',
    remedy: 'Delete the file that is named and fetch it again: ai-sandbox model retry.',
  },
  model_file_missing: {
    class: 'fatal',
    title: 'A file of the model is missing',
    cause: 'The repository or directory does not hold a file the engine asks for, such as config.json.',
    remedy: 'Check the model id and the directory; fetch it again with: ai-sandbox model retry.',
  },
  model_config_invalid: {
    class: 'fatal',
    title: 'The configuration of the model cannot be used',
    cause: 'config.json of the model has a value this version of the engine does not know or accept.',
    remedy:
      'Use an image of a version that fits the model (usually a newer one), or correct the value with --hf-overrides.',
  },
  weights_mismatch: {
    class: 'fatal',
    title: 'The weights do not fit the model',
    cause:
      'Names or shapes of the weights differ from what the architecture in config.json wants: a wrong format, an adapter, or a version that does not know it.',
    remedy: 'Use an image of a version that supports this checkpoint, or another copy of the model.',
  },
  quantization_unsupported: {
    class: 'fatal',
    title: 'The quantisation of the model cannot be used',
    cause:
      'The quantisation method, its settings or its package do not fit this engine, or the --quantization option contradicts the model.',
    remedy:
      'Leave --quantization out so that it is read from the model; else choose another quantisation of the model.',
  },
  parallel_size_invalid: {
    class: 'fatal',
    title: 'The number of GPUs asked for fits neither machine nor model',
    cause:
      'The parallel sizes need more GPUs than there are, or do not divide the heads or layers of the model.',
    remedy:
      'Set --tensor-parallel-size to a number of GPUs that is there and that divides the attention heads of the model.',
  },
  gpu_communication_failed: {
    class: 'restart',
    title: 'The GPUs or engine processes cannot reach each other',
    cause:
      'NCCL, gloo or the connection between processes failed: shared memory, network interface, peer-to-peer access, or a process that is gone.',
    remedy:
      'Give the container ipc: host, check NCCL_SOCKET_IFNAME and nvidia-smi topo -m; NCCL_DEBUG=INFO shows more; NCCL_P2P_DISABLE=1 helps where peer access is broken.',
  },
  shared_memory_too_small: {
    class: 'fatal',
    title: 'The shared memory of the container is too small',
    cause: '/dev/shm of a container is 64 MB unless told otherwise; processes that work together need more.',
    remedy: 'Set ipc: host, or shm_size: 16gb, for the api service in the compose file.',
  },
  argument_invalid: {
    class: 'fatal',
    title: 'The engine refuses its command line or settings',
    cause:
      'An option, a value, an environment variable or a combination of them is not accepted by this version.',
    remedy:
      'Correct what the detail names in the command of the api service; vllm serve --help lists the options of this image.',
  },
  feature_unsupported: {
    class: 'fatal',
    title: 'A feature that is asked for does not work with this model or machine',
    cause: 'The engine cannot do it for this model, GPU, data type or combination of options.',
    remedy: 'Leave out the option that the detail names, or use another image version.',
  },
  compiler_missing: {
    class: 'fatal',
    title: 'The engine needs a compiler that is not there',
    cause: 'Kernels are compiled at start, and gcc, nvcc, ninja or the Python headers are not in the image.',
    remedy: 'Use the official image, add --enforce-eager, or install the tool that is named.',
  },
  compile_failed: {
    class: 'fatal',
    title: 'Compiling the kernels of the model failed',
    cause: 'torch.compile, Triton or another compiler stopped with an error.',
    remedy: 'Add --enforce-eager, clear the compile cache (/root/.cache/vllm), or use another image version.',
  },
  installation_broken: {
    class: 'fatal',
    title: 'The software in the image does not fit together',
    cause: 'A Python package or system library is missing, too old, too new, or built for another version.',
    remedy:
      'Use an unmodified image of one vLLM version; do not mix packages; install what the detail names.',
  },
  host_memory_too_small: {
    class: 'host',
    title: 'The memory of the machine is not enough',
    cause: 'The engine could not get the main memory it asked for (weights, swap space, CPU KV cache).',
    remedy:
      'Give the container or the machine more memory, or lower --swap-space, --cpu-offload-gb or VLLM_CPU_KVCACHE_SPACE.',
  },
  cpu_unsupported: {
    class: 'host',
    title: 'The processor lacks instructions the engine needs',
    cause: 'The engine was built for newer processors (AVX2, AVX-512, or another architecture).',
    remedy: 'Use an image built for this processor, or another machine.',
  },
  process_limit_reached: {
    class: 'host',
    title: 'The system allows no more threads, processes or open files',
    cause: 'A limit of the container, of systemd or of the kernel is reached.',
    remedy: 'Raise the limit (ulimits or pids_limit in the compose file), or set OMP_NUM_THREADS=1.',
  },
  process_killed: {
    class: 'restart',
    title: 'The process was killed from outside',
    cause: 'It got SIGKILL: by a person, by the engine, or by the kernel when memory ran out.',
    remedy: 'Look for an OOM kill in the kernel log (dmesg); it is restarted by itself.',
  },
  process_crashed: {
    class: 'restart',
    title: 'The program crashed in native code',
    cause: 'It ended with a signal such as SIGSEGV or SIGABRT.',
    remedy:
      'It is restarted by itself; if it comes back, update the GPU driver and the image, and look for Xid errors (dmesg).',
  },
  engine_dead: {
    class: 'restart',
    title: 'The process that computes has died',
    cause: 'The engine process is gone; the reason is not in this part of the log.',
    remedy:
      'It is restarted by itself; if it comes back, read the log from its start: ai-sandbox logs api --tail 2000.',
  },
  engine_timeout: {
    class: 'restart',
    title: 'A part of the engine did not answer in time',
    cause: 'A step or a start took longer than its limit: a hung GPU, slow storage, or a stuck worker.',
    remedy:
      'It is restarted by itself; if it comes back, check nvidia-smi and the disk; VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS and VLLM_ENGINE_READY_TIMEOUT_S are the limits.',
  },
  stopped_while_starting: {
    class: 'restart',
    title: 'It was stopped while it was still starting',
    cause: 'A person, a deadline or a health check ended it before the model was loaded.',
    remedy: 'Give it more time: raise the start deadline of whatever stopped it.',
  },
  file_permission_denied: {
    class: 'host',
    title: 'A file or directory may not be used',
    cause: 'The user of the container has no rights on it, or its file system is read-only.',
    remedy: 'Mend the rights of the path that is named (owner, mode, read-only mounts).',
  },
  ray_failed: {
    class: 'fatal',
    title: 'The Ray cluster cannot do what is asked',
    cause: 'Ray is missing, not reachable, or has fewer GPUs than needed.',
    remedy: 'Check with: ray status; on one machine use --distributed-executor-backend mp.',
  },
  chat_database_locked: {
    class: 'transient',
    title: 'The chat database is locked by another process',
    cause:
      'A second container, a backup or a person has webui.db open and writes to it, or it lies on a network disk.',
    remedy:
      'End the other program (fuser -v /opt/open-webui/webui.db shows it); keep the database on a local disk.',
  },
  chat_disk_failed: {
    class: 'host',
    title: 'The disk under the chat database fails',
    cause:
      'Reading or writing webui.db ended with an error of the disk, of a network file system, or of a full one.',
    remedy:
      'Look for disk errors: journalctl -k | grep -i error; keep the database on a local disk with free space, and restore a copy where it is damaged.',
  },
  chat_database_newer: {
    class: 'fatal',
    title: 'The chat database was written by a newer version of the chat page',
    cause:
      'The image was set back to an older version; the older program does not know the newer form of the database.',
    remedy:
      'Use the newer image again, or restore a copy of webui.db from before the upgrade (ai-sandbox stop ui first).',
  },
  chat_migration_failed: {
    class: 'fatal',
    title: 'The chat database could not be brought to the form of this version',
    cause: 'An earlier change of the form ended half way, or the database was changed by hand.',
    remedy:
      'Stop the chat service (ai-sandbox stop ui), restore a copy of webui.db from before the upgrade, start it again; or use the former image.',
  },
  chat_database_unreachable: {
    class: 'transient',
    title: 'The database server of the chat page does not answer',
    cause: 'DATABASE_URL names a server that is down, unknown, or refuses user, password or database.',
    remedy: 'Check the server and DATABASE_URL; it is tried again by itself.',
  },
  chat_cache_unreachable: {
    class: 'transient',
    title: 'The Redis server of the chat page does not answer',
    cause: 'REDIS_URL or WEBSOCKET_REDIS_URL names a server that is down, unknown, or refuses the password.',
    remedy: 'Check the server and the URL, or remove REDIS_URL and WEBSOCKET_MANAGER from the ui service.',
  },
  vector_store_failed: {
    class: 'fatal',
    title: 'The store for documents of the chat page cannot be used',
    cause:
      'The files under vector_db are damaged or of another version, or the vector database server does not answer.',
    remedy:
      'Move /opt/open-webui/vector_db away and start again (documents have to be indexed anew), or check VECTOR_DB and its server.',
  },
  chat_secret_missing: {
    class: 'fatal',
    title: 'The chat page has no secret key',
    cause: 'WEBUI_SECRET_KEY is empty, so sessions cannot be signed.',
    remedy:
      'Let the ui service read WEBUI_SECRET_KEY from .env in the compose file; its value there is made by itself.',
  },
  ui_setting_invalid: {
    class: 'fatal',
    title: 'A setting of the chat page is not valid',
    cause:
      'A variable in the environment of the ui service has a value the program cannot use, or an option does not exist.',
    remedy: 'Correct the variable that the detail names in the compose file or in .env.',
  },
  ui_program_broken: {
    class: 'fatal',
    title: 'The program of the chat page is not complete',
    cause: 'A package or file is missing in the image, or packages do not fit each other.',
    remedy: 'Use an unmodified image of Open WebUI of one version, and pull it again.',
  },
  // the rest
  unknown_failure: {
    class: 'restart',
    title: 'Something failed that has no name here',
    cause: 'No known signature fits; the best line that was seen stands in the detail.',
    remedy: 'Read the detail and: ai-sandbox logs SERVICE.',
  },
} as const satisfies Record<string, ProblemRow>;

/** The stable name of a problem. */
export type ProblemCode = keyof typeof PROBLEM_TABLE;
