#!/usr/bin/env bash
# Makes a fresh server ready for ai-sandbox: a chat page and an OpenAI-compatible API with a model on this machine's GPU.
# A StackScript for Ubuntu 24.04, Debian 12 and 13; also run by hand, and run again to repair what is missing.
#
# <UDF name="model_id" label="Model" default="mistralai/Mistral-7B-Instruct-v0.3" example="org/name of huggingface.co" />
# <UDF name="hf_token_password" label="Hugging Face token (for gated models)" default="" />
# <UDF name="user_name" label="User to create, with sudo; the credentials file goes to this home" default="" />
# <UDF name="user_password" label="Password of that user; empty: only the SSH keys of root" default="" />
# <UDF name="webui_admin_email" label="E-mail of the chat page's administrator" default="" />
# <UDF name="webui_admin_password" label="Password of the chat page's administrator; empty: one is made" default="" />
# <UDF name="publish_api" label="Open port 8000 (API, plain HTTP, with a key) to the network" oneOf="no,yes" default="no" />
#
# Order is speed: the engine is set up for the GPU before its first start, the daemon starts before the GPU driver is
# installed, so that images and model are downloaded meanwhile. No reboot. The daemon tells the rest:
# `ai-sandbox status`, the login message, http://localhost:9000/status.
#
# Steps, with their durations: /var/log/ai-sandbox/deployment.log; all output: /var/log/stackscript.log and the serial
# console; for the daemon: /var/lib/ai-sandbox/installer-steps.jsonl. A failure is also named in /etc/motd.
# Overridable by the environment: DEB_URL with DEB_SHA256 (the package), AI_SANDBOX_PCI_DIR (where a GPU is looked for).
set -euo pipefail
umask 022

DEB_URL_DEFAULT=''
DEB_SHA256_DEFAULT=''

# NVIDIA's driver branch; the open kernel modules are the only ones that know Blackwell.
driver=580
# A machine may get its network later than this script; in seconds.
network_limit=1800
# A fresh server updates itself at its first boot, and holds the locks of apt meanwhile; in seconds.
lock_limit=1800
# Layers of one image that are downloaded at once (the engine's own default is 3).
parallel_layers=10

state_dir=/var/lib/ai-sandbox
steps_file=$state_dir/installer-steps.jsonl
log_dir=/var/log/ai-sandbox
env_file=/opt/ai-sandbox/.env
token_file=/etc/ai-sandbox/hf-token
motd_begin='+-- ai-sandbox installer ---------------------------------------------------------'
motd_end='+-- end of ai-sandbox installer --------------------------------------------------'

# Secrets leave the environment before anything else runs: every child would inherit them.
model_id=${MODEL_ID-mistralai/Mistral-7B-Instruct-v0.3} user_name=${USER_NAME:-} publish_api=${PUBLISH_API:-no}
# Fields that have a default: whether they were filled in. A repair by hand has none, and must not undo what stands in .env.
model_given=${MODEL_ID+yes} publish_given=${PUBLISH_API:+yes}
hf_token=${HF_TOKEN_PASSWORD:-} user_password=${USER_PASSWORD:-}
admin_email=${WEBUI_ADMIN_EMAIL:-} admin_password=${WEBUI_ADMIN_PASSWORD:-}
unset MODEL_ID USER_NAME PUBLISH_API HF_TOKEN_PASSWORD USER_PASSWORD WEBUI_ADMIN_EMAIL WEBUI_ADMIN_PASSWORD

# --- telling -----------------------------------------------------------------------------------------------------------

# Whole seconds since the boot. Not SECONDS: that follows the clock, which is set for the first time while this script runs.
uptime_seconds() {
  local uptime
  read -r uptime _ </proc/uptime
  echo "${uptime%.*}"
}

# note TEXT : a line of deployment.log, in its form; also to the console and the script's log
note() {
  local line
  line="[$(date -u '+%Y-%m-%d %H:%M:%S')] installer: $*"
  echo "$line"
  echo "$line" >>"$log_dir/deployment.log"
}

one_line() { tr -s '[:cntrl:]' ' ' | tr -d '"\134' | cut -c1-300; }

# record STEP STATE [DETAIL] : what the daemon reads to know what is going on
record() {
  local boot uptime detail
  boot=$(cat /proc/sys/kernel/random/boot_id)
  read -r uptime _ </proc/uptime
  detail=$(one_line <<<"${3:-}")
  printf '{"step":"%s","state":"%s","at":"%s","boot_id":"%s","uptime_seconds":%s,"pid":%d,"detail":"%s"}\n' \
    "$1" "$2" "$(date -u +%FT%TZ)" "$boot" "$uptime" $$ "${detail% }" >>"$steps_file"
}

# motd [LINE…] : our block at the end of the login message, other people's text kept; without lines it is removed.
# The daemon replaces the file as well: what it has read before may come back, so that one looks again.
motd() {
  for _ in 1 2 3 4 5; do
    write_motd "$@"
    systemctl -q is-active ai-sandbox || return 0
    sleep 0.5
    [ "$(grep -Fxc -- "${1:-$motd_begin}" /etc/motd)" != $(($# > 0)) ] || return 0
  done
}

write_motd() {
  local file new
  file=$(readlink -f /etc/motd || echo /etc/motd)
  new=$(mktemp "$file.XXXXXX")
  {
    [ ! -f "$file" ] || awk -v begin="$motd_begin" -v end="$motd_end" \
      '$0 == begin { inside = 1 } !inside { print } $0 == end { inside = 0 }' "$file"
    [ $# = 0 ] || printf '%s\n' "$motd_begin" "$@" "$motd_end"
  } >"$new"
  chmod 0644 "$new"
  mv "$new" "$file"
}

# progress TEXT : in the login message. Once the daemon runs it tells of everything, the GPU driver included.
# Dated, and with what to do: after a power cut nobody is left to change it.
progress() {
  systemctl -q is-active ai-sandbox ||
    motd "ai-sandbox is being installed: $1" "As of $(date -u '+%Y-%m-%d %H:%M:%S') UTC" \
      'Follow it with: tail -f /var/log/stackscript.log' "If this does not move any more: bash $(readlink -f "$0")"
}

# fail CAUSE REMEDY : named in the login message, on the console and for the daemon
fail() {
  trap - EXIT
  note "ERROR: $1"
  record installer failed "$1"
  motd "ERROR: the installation of ai-sandbox has failed ($(date -u '+%Y-%m-%d %H:%M:%S') UTC)" "$1" '' "$2" \
    'All output: /var/log/stackscript.log'
  # tee has the last lines before the script is gone
  exec >&- 2>&-
  wait "$tee_pid" || true
  exit 1
}

again="Then run it again, which repairs: bash $(readlink -f "$0")"

# step NAME FUNCTION : runs it as `set -e` wants it; FUNCTION may `skip REASON`. The last error of its output is the cause.
step() {
  local started status cause
  started=$(uptime_seconds)
  current=$1
  record "$1" started
  note "$1: started"
  progress "$1"
  set +e
  (
    set -e
    "$2"
  ) 2>&1 | tee "$work/output"
  status=${PIPESTATUS[0]}
  set -e
  cause=$({ grep -E '^(E:|curl:|dpkg: error|ERROR:)' "$work/output" || grep -v '^[[:space:]]*$' "$work/output" || true; } | tail -1 | one_line)
  case $status in
    0) record "$1" finished; note "$1: finished after $(($(uptime_seconds) - started)) s" ;;
    "$skipped") record "$1" skipped "$cause"; note "$1: skipped: $cause" ;;
    *)
      record "$1" failed "$cause"
      note "$1: failed after $(($(uptime_seconds) - started)) s"
      fail "$1: ${cause:-it ended with status $status}" "$again"
      ;;
  esac
  current=''
}

# Not 100, with which apt-get fails.
skipped=79
skip() { echo "$*"; exit $skipped; }

# --- parts of steps ----------------------------------------------------------------------------------------------------

# The process that holds a lock of apt or dpkg; nothing where none does.
apt_holder() {
  local file holder
  for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock; do
    [ -e "$file" ] || continue
    holder=$(awk -v inode="$(stat -c %i "$file")" \
      '$2 == "POSIX" { n = split($6, at, ":"); if (at[n] == inode) { print $5; exit } }' /proc/locks)
    [ -z "$holder" ] || { echo "$holder"; return 0; }
  done
}

# Waits while another program is at work on packages, and says which.
wait_for_apt() {
  local pid name told='' until=$(($(uptime_seconds) + lock_limit))
  while pid=$(apt_holder) && [ -n "$pid" ] && [ "$(uptime_seconds)" -lt "$until" ]; do
    if [ "$pid" != "$told" ]; then
      name=$(cat "/proc/$pid/comm" 2>/dev/null || echo 'a program')
      note "waiting for another program to be done with the packages of this server: $name (process $pid)"
      progress "waiting for another program to be done with the packages of this server ($name)"
      told=$pid
    fi
    sleep 1
  done
  [ -z "$told" ] || progress "$current"
}

# Settings that stand there are kept. Between the wait and the lock somebody may be faster: apt-get waits too.
apt_get() {
  wait_for_apt
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

install() {
  lists
  apt_get install -y --no-install-recommends "$@"
}

# An installation that was cut off, by a power cut or a reset, keeps apt-get from every other one.
finish_packages() {
  wait_for_apt
  [ -n "$(dpkg --audit)" ] || [ -n "$(ls /var/lib/dpkg/updates)" ] || return 0
  note 'finishing an installation of packages that was cut off'
  DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a </dev/null
  apt_get install -y --fix-broken
}

# What `apt-get update` says of a clock that is not set; of what no waiting mends (a signature, an address that is not there);
# and of what passes by itself: a network or a server that is not there yet, an archive that is being renewed.
says_clock='not valid yet|is expired|[Nn]ot live until|not yet valid|not yet activated'
says_never='NO_PUBKEY|EXPKEYSIG|REVKEYSIG|BADSIG|is not signed|following signatures|Missing key|40[134]  [A-Z]'
says_later='resolv|[Cc]onnect|unreachable|[Tt]ime(d )?out|No route to host|50[0-9]  |[Hh]andshake|[Hh]ash [Ss]um|unexpected size|Could not get lock|Undetermined'

# Fetches the lists once in this run; waits for a network that is not there yet, and for a clock that is not set. What does
# not pass (a signature, an address that does not exist) ends it at once.
lists() {
  local pause=2 reason said until=$(($(uptime_seconds) + network_limit))
  [ ! -e "$work/lists" ] || return 0
  until LC_ALL=C apt_get update -o APT::Update::Error-Mode=any >"$work/update" 2>&1; do
    cat "$work/update"
    said=$({ grep -E '^(E|W|Err[^ ]*):? ' "$work/update" || true; } | { grep -v 'Some index files failed' || true; } | tail -1 | one_line)
    if grep -Eq "$says_clock" "$work/update"; then
      reason="waiting for the clock to be set (it says $(date -u '+%Y-%m-%d %H:%M') UTC, which the package archive contradicts)"
    elif ! grep -Eq "$says_never" "$work/update" && grep -Eq "$says_later" "$work/update"; then
      reason="waiting for the network (the package archive does not answer: ${said#?: })"
    else
      echo "E: the package archive cannot be used: ${said#?: }"
      return 1
    fi
    [ "$(uptime_seconds)" -lt "$until" ] || { echo "E: no lists from the package archive within $network_limit s; ${reason#waiting for }"; return 1; }
    note "$reason; the next attempt is in $pause s"
    progress "$reason"
    sleep $pause
    pause=$((pause < 15 ? pause * 2 : 15))
  done
  : >"$work/lists"
}

# offers PACKAGE [VERSION] : whether the archive has the package, in a version that begins so. Not `… | grep -q`: that ends
# apt-cache early, and under pipefail its death by SIGPIPE is the answer.
offers() {
  local policy
  policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null) || return 1
  [[ $policy =~ Candidate:\ ([0-9]+:)?${2:-[0-9]} ]]
}

# installable PACKAGE… : whether the archive has them all, in versions that fit each other and what is there
installable() { apt_get install -s --no-install-recommends "$@" >/dev/null 2>&1; }

# fetch ADDRESS FILE
fetch() {
  if ! command -v curl >/dev/null || [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then install curl ca-certificates; fi
  curl -fsSL --retry 8 --retry-connrefused "$1" -o "$2"
}

# repository NAME LINE KEY-ADDRESS… : adds a package archive, trusted for its own packages only; the first key that is there
repository() {
  local name=$1 line=$2 key address
  key=/etc/apt/keyrings/$1.asc
  shift 2
  mkdir -p /etc/apt/keyrings
  rm -f "$key"
  for address; do
    if fetch "$address" "$key"; then break; fi
  done
  [ -s "$key" ] || { echo "E: the key of the package archive $name cannot be fetched: $*"; return 1; }
  echo "deb [signed-by=$key] $line" >"/etc/apt/sources.list.d/$name.list"
  rm -f "$work/lists"
  # With an archive that cannot be used every later look for updates would fail too.
  lists || { rm -f "/etc/apt/sources.list.d/$name.list"; return 1; }
}

# A display (0x0300) or 3D (0x0302) controller of NVIDIA.
has_gpu() {
  local device
  for device in "${AI_SANDBOX_PCI_DIR:-/sys/bus/pci/devices}"/*; do
    [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ] || continue
    case $(cat "$device/class" 2>/dev/null) in 0x0300* | 0x0302*) return 0 ;; esac
  done
  return 1
}

# set_env NAME VALUE : in .env, in the place where it stands; quoted as the daemon and docker compose read it
set_env() {
  local value=$2 new
  if [[ $value == *[\'\\]* ]]; then
    value=${value//\\/\\\\} value=${value//\"/\\\"} value=\"${value//\$/\\\$}\"
  elif [[ ! $value =~ ^[A-Za-z0-9_./:@%+,=-]*$ ]]; then
    value="'$value'"
  fi
  new=$(mktemp "$env_file.XXXXXX")
  { grep -v "^$1=" "$env_file" || true; printf '%s=%s\n' "$1" "$value"; } >"$new"
  mv "$new" "$env_file"
}

# has_env NAME : whether .env has it, empty or not
has_env() { grep -q "^$1=" "$env_file"; }

# --- steps -------------------------------------------------------------------------------------------------------------

# What a person has entered: every mistake is named, the value only where it is no secret.
check_fields() {
  local name='[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?' control='[[:cntrl:]]'
  [[ $model_id =~ ^$name/$name$ && $model_id != *..* && $model_id != *--* && $model_id != *.git ]] ||
    echo "model_id is \"$model_id\"; it must be of the form org/name, as on huggingface.co"
  [[ -z $hf_token || $hf_token =~ ^[A-Za-z0-9_-]{8,200}$ ]] || echo 'hf_token_password is not a token: only letters, digits, - and _'
  [[ -z $user_name || $user_name =~ ^[a-z_][a-z0-9_-]{0,31}$ ]] ||
    echo "user_name is \"$user_name\"; it must begin with a small letter, then small letters, digits, - and _, at most 32"
  [[ -z $user_password || -n $user_name ]] || echo 'user_password is given without user_name'
  [[ ! $user_password =~ $control ]] || echo 'user_password holds a control character'
  [[ -z $admin_email || $admin_email =~ ^[^[:space:]@\'\"\\]+@[^[:space:]@\'\"\\]+$ ]] ||
    echo "webui_admin_email is \"$admin_email\"; it must be of the form name@domain"
  [[ -z $admin_password || ${#admin_password} -ge 8 ]] || echo 'webui_admin_password has fewer than 8 characters'
  [[ ! $admin_password =~ $control ]] || echo 'webui_admin_password holds a control character'
  [[ $publish_api = yes || $publish_api = no ]] || echo "publish_api is \"$publish_api\"; it must be yes or no"
}

settings() {
  local home
  finish_packages
  install_directory 0755 /opt/ai-sandbox
  install_directory 0755 /etc/ai-sandbox
  [ -e "$env_file" ] || (umask 077 && : >"$env_file")
  if [ -n "$model_given" ] || ! has_env MODEL_ID; then set_env MODEL_ID "$model_id"; fi
  [ -z "$admin_email" ] || set_env WEBUI_ADMIN_EMAIL "$admin_email"
  [ -z "$admin_password" ] || set_env WEBUI_ADMIN_PASSWORD "$admin_password"
  # The page listens only when its administrator is made, and nobody can sign up: it may be open. The API only when asked.
  has_env UI_BIND || set_env UI_BIND 0.0.0.0
  if [ -n "$publish_given" ] || ! has_env API_BIND; then
    set_env API_BIND "$([ "$publish_api" = yes ] && echo 0.0.0.0 || echo 127.0.0.1)"
  fi
  if [ -n "$hf_token" ]; then (umask 077 && printf '%s\n' "$hf_token" >"$token_file"); fi
  [ -n "$user_name" ] || return 0
  command -v sudo >/dev/null || install sudo
  id "$user_name" >/dev/null 2>&1 || useradd -m -s /bin/bash "$user_name"
  usermod -aG sudo "$user_name"
  if [ -n "$user_password" ]; then
    chpasswd <<<"$user_name:$user_password"
  fi
  sudo_without_password
  home=$(getent passwd "$user_name" | cut -d: -f6)
  if [ -s /root/.ssh/authorized_keys ] && [ ! -e "$home/.ssh/authorized_keys" ]; then
    install_directory 0700 "$home/.ssh" "$user_name"
    command install -m 0600 -o "$user_name" -g "$user_name" /root/.ssh/authorized_keys "$home/.ssh/"
  fi
  # The daemon writes into it, and under its sandbox cannot give a file away.
  [ -e "$home/.credentials" ] || command install -m 0600 -o "$user_name" -g "$user_name" /dev/null "$home/.credentials"
  install_directory 0755 /etc/systemd/system/ai-sandbox.service.d
  printf '[Service]\nEnvironment=AI_SANDBOX_CREDENTIALS_USER=%s\n' "$user_name" \
    >/etc/systemd/system/ai-sandbox.service.d/stackscript.conf
  systemctl daemon-reload
}

# A user without a password has none to give to sudo.
sudo_without_password() {
  local file=/etc/sudoers.d/90-ai-sandbox
  if [[ $(passwd -S "$user_name") == "$user_name P "* ]]; then
    rm -f "$file"
    return 0
  fi
  printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$user_name" >"$work/sudoers"
  # One mistake there, and nobody has sudo any more.
  visudo -cqf "$work/sudoers"
  command install -m 0440 "$work/sudoers" "$file"
}

install_directory() { command install -d -m "$1" -o "${3:-root}" -g "${3:-root}" "$2"; }

# Before the engine: it looks for the toolkit's hook only when it starts.
container_toolkit() {
  has_gpu || skip 'no NVIDIA GPU on the PCI bus'
  ! command -v nvidia-ctk >/dev/null || skip 'nvidia-container-toolkit is there'
  lists
  offers nvidia-container-toolkit || repository nvidia-container-toolkit \
    "https://nvidia.github.io/libnvidia-container/stable/deb/$(dpkg --print-architecture) /" https://nvidia.github.io/libnvidia-container/gpgkey
  install nvidia-container-toolkit
}

docker_engine() {
  local packages=(docker.io pigz) options="\"max-concurrent-downloads\": $parallel_layers"
  if [ ! -s /etc/docker/daemon.json ]; then
    # Under the systemd driver every `systemctl daemon-reload` takes the GPU from containers that run.
    if has_gpu; then options+=', "exec-opts": ["native.cgroupdriver=cgroupfs"]'; fi
    install_directory 0755 /etc/docker
    # Whole or not at all: with half of it the engine never starts again.
    printf '{ %s }\n' "$options" >/etc/docker/daemon.json.new
    mv /etc/docker/daemon.json.new /etc/docker/daemon.json
  fi
  if has_gpu; then nvidia-ctk runtime configure --runtime=docker; fi
  if command -v dockerd >/dev/null && command -v docker >/dev/null; then
    systemctl -q enable --now docker
    # Only before the daemon runs: a restart would begin every pull anew.
    if has_gpu && ! systemctl -q is-active ai-sandbox && [[ $(docker info -f '{{json .Runtimes}}') != *nvidia* ]]; then
      systemctl restart docker
    fi
    skip "Docker $(docker version -f '{{.Server.Version}}') is there"
  fi
  lists
  # Debian 13 has the client in a package of its own.
  if offers docker-cli; then packages+=(docker-cli); fi
  install "${packages[@]}"
  docker version -f 'Docker {{.Server.Version}}'
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

package() {
  local url=${DEB_URL:-$DEB_URL_DEFAULT} sum=${DEB_SHA256:-$DEB_SHA256_DEFAULT} file=$work/ai-sandbox.deb mark=$state_dir/package.sha256
  if [ -z "$url" ] || [ -z "$sum" ]; then
    echo 'ERROR: this copy of the script names no package; set DEB_URL and DEB_SHA256'
    return 1
  fi
  if [ -n "${DEB_URL:-}" ] && [ -z "${DEB_SHA256:-}" ]; then
    echo 'ERROR: DEB_URL is set without DEB_SHA256'
    return 1
  fi
  if installed ai-sandbox && [[ ! $(dpkg -V ai-sandbox) =~ \ /usr/(bin|lib)/ ]]; then
    # An image may have brought it, in whatever version; what this script has installed is replaced by a newer one.
    if [ ! -e "$mark" ] || [ "$(cat "$mark")" = "$sum" ]; then skip "ai-sandbox $(dpkg-query -W -f '${Version}' ai-sandbox) is there"; fi
  fi
  fetch "$url" "$file"
  echo "$sum  $file" | sha256sum -c --status || { echo "ERROR: $url is not the package of this script: its sha256 is $(sha256sum "$file" | cut -d' ' -f1), wanted is $sum"; return 1; }
  chmod 0644 "$file"
  apt_get install -y --no-install-recommends --reinstall "$file"
  echo "$sum" >"$mark"
}

daemon() {
  # Its members use the ai-sandbox command as they are.
  if [ -n "$user_name" ]; then usermod -aG ai-sandbox "$user_name"; fi
  # One that runs already (a repair) reads its settings again; the containers are not touched.
  if [ -e "$work/was-active" ]; then systemctl restart ai-sandbox; fi
  systemctl enable --now ai-sandbox || {
    echo "ERROR: ai-sandbox does not start: $(journalctl -u ai-sandbox -p err -n 1 -o cat --no-pager)"
    return 1
  }
}

# Endings of the packages that bring new kernels to this server: generic, generic-hwe-24.04, cloud-amd64. Where none is
# installed, the ending of the running kernel.
kernel_lines() {
  local found
  found=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'linux-image-*' 2>/dev/null |
    sed -nE 's/^installed linux-image-([a-z].*)$/\1/p' | sed -E '/^(unsigned|extra)-|-dbg$/d') || true
  [ -n "$found" ] || found=$(uname -r | sed -E 's/^[0-9][0-9.]*(\+[a-z0-9]+)?(-[0-9]+)?-//')
  # Ubuntu's `virtual` is `generic` with fewer modules.
  sort -u <<<"${found//virtual/generic}"
}

# What this kernel needs first, so that the GPU is there soonest; new kernels are the next step's.
gpu_driver() {
  local kernel device lines utils compiled
  kernel=$(uname -r)
  has_gpu || skip 'no NVIDIA GPU on the PCI bus'
  ! timeout 60 nvidia-smi -L 2>/dev/null || skip 'the driver answers'
  lists
  mapfile -t lines < <(kernel_lines)
  if offers "nvidia-utils-$driver"; then
    # Ubuntu: its own build for a kernel, nothing to compile; else by DKMS
    utils=("nvidia-headless-no-dkms-$driver-open" "nvidia-utils-$driver")
    compiled=("nvidia-headless-$driver-open" "nvidia-utils-$driver")
    if installable "linux-modules-nvidia-$driver-open-$kernel" "${utils[@]}"; then
      install "linux-modules-nvidia-$driver-open-$kernel" "${utils[@]}"
    elif installable "linux-headers-$kernel" "${compiled[@]}"; then
      install "linux-headers-$kernel" "${compiled[@]}"
    else
      for_the_next_kernel "${lines[@]/#/linux-modules-nvidia-$driver-open-}" "${utils[@]}" ||
        for_the_next_kernel "${lines[@]/#/linux-headers-}" "${compiled[@]}"
      no_module_for "$kernel"
    fi
  else
    offers nvidia-kernel-open-dkms "$driver\." || cuda_repository
    compiled=(nvidia-kernel-open-dkms nvidia-driver-cuda)
    if ! installable "linux-headers-$kernel" "${compiled[@]}"; then
      for_the_next_kernel "${lines[@]/#/linux-headers-}" "${compiled[@]}"
      no_module_for "$kernel"
    fi
    install "linux-headers-$kernel" "${compiled[@]}"
  fi
  # The free driver may hold the card already.
  for device in /sys/bus/pci/drivers/nouveau/*:*; do
    [ ! -e "$device" ] || echo "${device##*/}" >/sys/bus/pci/drivers/nouveau/unbind
  done
  if [ -d /sys/module/nouveau ]; then modprobe -r nouveau || true; fi
  modprobe nvidia
  modprobe nvidia_uvm
  timeout 120 nvidia-smi -L
}

# for_the_next_kernel PACKAGE… : with the newest kernel of this server; the running one has left the archive, or was never in it
for_the_next_kernel() { install "${lines[@]/#/linux-image-}" "$@"; }

no_module_for() {
  echo "ERROR: the package archive has nothing for the running kernel $1; the newest kernel is installed with the driver for it: reboot (Linode: with the kernel GRUB 2)"
  exit 1
}

# Kernels come with this server's own updates. Without what follows them the GPU would be gone after the next reboot.
gpu_driver_updates() {
  local lines follow
  has_gpu || skip 'no NVIDIA GPU on the PCI bus'
  mapfile -t lines < <(kernel_lines)
  if installed "linux-modules-nvidia-$driver-open-$(uname -r)"; then
    follow=("${lines[@]/#/linux-modules-nvidia-$driver-open-}")
  elif installed "nvidia-headless-$driver-open" || installed nvidia-kernel-open-dkms; then
    follow=("${lines[@]/#/linux-headers-}")
  else
    skip 'the driver is not from packages that this script installs'
  fi
  lists
  installable "${follow[@]}" || skip "the package archive has none that bring the driver to new kernels: ${follow[*]}"
  install "${follow[@]}"
}

# NVIDIA's archive for Debian, held at one branch of the driver.
cuda_repository() {
  local id version architecture=x86_64 address keys=(8793F200.pub 3bf863cc.pub)
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "$ID") version=$(. /etc/os-release && echo "$VERSION_ID")
  [ "$(dpkg --print-architecture)" = amd64 ] || architecture=sbsa
  address=https://developer.download.nvidia.com/compute/cuda/repos/$id${version//./}/$architecture
  # Its archives are signed with one key up to Debian 12, with another from Debian 13 on.
  if [ "${version%%.*}" -le 12 ]; then keys=(3bf863cc.pub); fi
  printf 'Package: *nvidia* libcuda* libnv* firmware-nvidia*\nPin: version %s.*\nPin-Priority: 1001\n' "$driver" \
    >/etc/apt/preferences.d/ai-sandbox-nvidia
  repository nvidia-cuda "$address/ /" "${keys[@]/#/$address/}"
  offers nvidia-kernel-open-dkms "$driver\." || { echo "ERROR: neither this system's package archive nor NVIDIA's ($address) has the driver $driver"; return 1; }
}

# --- the run -----------------------------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || { echo 'stackscript.sh: run it as root' >&2; exit 1; }
mkdir -p "$log_dir"
install_directory 0750 "$state_dir"
(umask 027 && touch "$log_dir/deployment.log" /var/log/stackscript.log)
console=/dev/console
if [ -c /dev/ttyS0 ] && : 2>/dev/null >/dev/ttyS0; then console=/dev/ttyS0; fi
# A machine without a console has the log.
if ! : 2>/dev/null >>"$console"; then console=/dev/null; fi
exec > >(exec tee -a /var/log/stackscript.log 2>/dev/null >"$console") 2>&1
tee_pid=$!
work=$(mktemp -d)
current='' began=$(uptime_seconds)
ended() {
  rm -rf "$work"
  fail "${current:-the installer}: interrupted" "$again"
}
trap ended EXIT
trap 'exit 1' INT TERM HUP

# The five minutes of the deployment begin here, and only once.
if [ ! -s "$state_dir/installer-stamp" ]; then
  read -r uptime _ </proc/uptime
  echo "$(date -u +%FT%TZ) $(cat /proc/sys/kernel/random/boot_id) $uptime" >"$state_dir/installer-stamp"
fi
record installer started "$(readlink -f "$0")"
note "started on $(. /etc/os-release && echo "$PRETTY_NAME"), kernel $(uname -r)"

wrong=$(check_fields | tr -d '\000-\011\013-\037\177')
if [ -n "$wrong" ]; then
  fail "wrong settings: $(paste -sd ';' <<<"$wrong" | sed 's/;/; /g')" "Correct the fields and rebuild, or set them in the environment. $again"
fi
if systemctl -q is-active ai-sandbox; then : >"$work/was-active"; fi
if has_gpu; then record gpu_driver planned; fi

step settings settings
step container_toolkit container_toolkit
step docker docker_engine
step package package
step daemon daemon
motd
step gpu_driver gpu_driver
step gpu_driver_updates gpu_driver_updates

trap - EXIT
motd
rm -rf "$work"
record installer finished
note "finished after $(($(uptime_seconds) - began)) s; what follows is told by: ai-sandbox status"
exec >&- 2>&-
wait "$tee_pid" || true
