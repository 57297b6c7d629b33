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
  port_in_use: {
    class: 'transient',
    title: 'A port is taken by another program',
    cause: 'Another process or container already listens on the port of this service.',
    remedy: 'Find its owner with: ss -ltnp; stop it, or change the port in the compose file.',
  },
  gpu_missing: {
    class: 'host',
    title: 'The engine cannot give the container a GPU',
    cause: 'The NVIDIA container toolkit or driver is missing, or the engine does not know of it.',
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
    cause: 'The directory is read-only or not ours.',
    remedy: 'Mend the rights of the directory that is named; it goes on by itself.',
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
  chat_database_corrupt: {
    class: 'fatal',
    title: 'The chat database is damaged',
    cause: 'The check of the database found damage, after a power cut or a failing disk.',
    remedy: 'Stop the chat service (ai-sandbox stop ui), restore a copy of webui.db, start it again.',
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
