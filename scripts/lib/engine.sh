#!/usr/bin/env bash
# A Docker engine for the scripts and the tests: the one that answers, or a private one.
#
#   source scripts/lib/engine.sh; engine_use NAME   exports DOCKER_HOST; engine_release when done (put it in the EXIT trap)
#   scripts/lib/engine.sh keep NAME [DOCKERD-ARGUMENT…]   keeps a private engine until its stdin ends (for test/support/engine.ts)
#   scripts/lib/engine.sh purge NAME   removes what a private engine has kept (its images)
#
# A private engine has everything of its own: /var/tmp/ai-sandbox/NAME/{data,exec,docker.sock,pid,dockerd.log}, a bridge, a
# range of addresses. It leaves iptables chains alone (--iptables=false): an engine that starts empties the chains DOCKER*
# of every other engine on the machine. Instead four rules for its own addresses are set, and removed again.
# Published ports are served by the userland proxy.
#
# `keep` says on stdout `ready PID SOCKET DATA-ROOT`, then obeys the lines `stop` (answers `stopped`) and `start` (answers
# `ready …`), and at the end of stdin or on SIGTERM stops the engine and removes all but its data root.
set -euo pipefail
engine_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$engine_lib/common.sh"

# The address that the docker command speaks to: DOCKER_HOST, else that of its context.
engine_address() {
  if [ -n "${DOCKER_HOST:-}" ]; then echo "$DOCKER_HOST"; else
    timeout 10 docker context inspect -f '{{.Endpoints.docker.Host}}' 2>/dev/null || echo unix:///var/run/docker.sock
  fi
}

# Only an engine on a socket of this machine counts: the daemon speaks to no other.
engine_answers() {
  command -v docker >/dev/null || return 1
  case $(engine_address) in unix://*) timeout 10 docker version >/dev/null 2>&1 ;; *) return 1 ;; esac
}

# Installs what a private engine needs. From Debian 13 on the client is a package of its own.
engine_install() {
  local missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then missing+=(docker-cli); fi
  command -v iptables >/dev/null || missing+=(iptables)
  command -v ip >/dev/null || missing+=(iproute2)
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  # Only after the lists have been fetched can one see whether the client is separate.
  command -v docker >/dev/null || install_packages docker-cli
}

# engine_use NAME : exports the DOCKER_HOST of an engine that answers, starting a private one if need be: the daemon knows
# no contexts. Sets engine_private=1 when the engine is ours.
engine_use() {
  engine_private=0
  local address=none
  ! command -v docker >/dev/null || address=$(engine_address)
  if engine_answers; then
    engine_only_at "$address"
    say "using the Docker engine that answers at $DOCKER_HOST ($(docker version --format '{{.Server.Version}}'))"
    return 0
  fi
  case $address in
    none | unix://*) say "no Docker engine answers: a private one is started, and stopped again afterwards" ;;
    *) say "the Docker engine at $address is on no socket of this machine: a private one is started, and stopped again afterwards" ;;
  esac
  [ "$(id -u)" = 0 ] || die "only root can start a Docker engine"
  engine_install
  local word pid socket root
  # The keeper sees the end of its stdin even when this script is killed.
  coproc ENGINE_KEEPER { exec setsid bash "$engine_lib/engine.sh" keep "$1"; }
  engine_keeper_pid=$!
  read -r word pid socket root <&"${ENGINE_KEEPER[0]}" || die "the private engine did not start"
  [ "$word" = ready ] || die "the private engine did not start"
  engine_private=1
  engine_only_at "unix://$socket"
  say "private engine ready (pid $pid, DOCKER_HOST=$DOCKER_HOST, images kept in $root)"
}

# engine_only_at ADDRESS : for all programs from now on, whatever was set for another engine.
engine_only_at() {
  unset DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  export DOCKER_HOST=$1
}

# Stops the private engine that engine_use has started; leaves any other as found.
engine_release() {
  [ "${engine_private:-0}" = 1 ] || return 0
  engine_private=0
  kill -TERM "$engine_keeper_pid" 2>/dev/null || true
  local tries=0
  while kill -0 "$engine_keeper_pid" 2>/dev/null && [ $((tries += 1)) -lt 400 ]; do sleep 0.1; done
}

# --- the keeper ---------------------------------------------------------------------------------------------------

# Takes the first of NAME, NAME-2, NAME-3… that no other keeper holds, for as long as this process lives.
keeper_claim() {
  local number
  for number in '' -2 -3 -4 -5 -6 -7 -8 -9; do
    home=$scratch/$1$number
    mkdir -p "$home"
    exec 9>"$home/lock"
    flock -n 9 && return 0
  done
  die "nine private engines named $1 are running"
}

# Sets `net` (the N of 10.N.0.0/16) to a range that no route, address or other engine uses, and makes the bridge there.
keeper_network() {
  local lock used
  exec {lock}>"$scratch/network.lock"
  flock "$lock"
  used=$(ip -4 route show table all; ip -4 -o addr)
  for net in $(seq 210 250) $(seq 100 209) none; do
    [ "$net" != none ] || die "no free address range among 10.100.0.0/16 … 10.250.0.0/16"
    grep -qE "(^|[^0-9.])10\.$net\." <<<"$used" || break
  done
  ip link add "$bridge" type bridge
  ip addr add "10.$net.0.1/24" dev "$bridge"
  ip link set "$bridge" up
  echo "$net" >"$home/net"
  exec {lock}>&-
}

# keeper_rules -I|-D : the packets of our addresses are forwarded whatever the policy is; what leaves the machine is masqueraded.
keeper_rules() {
  local range=10.$net.0.0/16
  iptables -w "$1" FORWARD -s "$range" -j ACCEPT
  iptables -w "$1" FORWARD -d "$range" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -w "$1" FORWARD -s "$range" -d "$range" -j ACCEPT
  iptables -w -t nat "$1" POSTROUTING -s "$range" ! -d "$range" -j MASQUERADE
}

keeper_start() {
  local tries=0 pid
  rm -f "$home/pid" "$home/docker.sock"
  # dockerd takes a containerd that is a zombie for a running one, and waits for it.
  pid=$(cat "$home/exec/containerd/containerd.pid" 2>/dev/null || true)
  if [ -n "$pid" ] && process_gone "$pid" 0; then rm -f "$home/exec/containerd/containerd.pid"; fi
  # Descriptor 9 is the lock: an engine that outlives its keeper must not hold it.
  # Inside a container /proc/sys is read-only, so engines from 26 on cannot turn IPv6 off on an interface, and refuse to
  # start anything unless told that this does not matter; where it can be turned off the variable changes nothing.
  DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1 setsid dockerd --data-root "$home/data" --exec-root "$home/exec" -H "$DOCKER_HOST" --pidfile "$home/pid" \
    --containerd-namespace "$bridge" --containerd-plugins-namespace "$bridge-plugins" \
    --bridge "$bridge" --default-address-pool "base=10.$net.128.0/17,size=24" \
    --iptables=false --ip6tables=false "${arguments[@]}" >>"$home/dockerd.log" 2>&1 </dev/null 9>&- &
  engine_pid=$!
  disown # or bash announces its death
  until docker version >/dev/null 2>&1; do
    kill -0 "$engine_pid" 2>/dev/null || { tail -n 5 "$home/dockerd.log" >&2; return 1; }
    [ $((tries += 1)) -lt 600 ] || { say "the private engine does not answer; see $home/dockerd.log"; return 1; }
    sleep 0.1
  done
}

# Containers of a former run are of no use; their networks may lie in another address range.
keeper_sweep() {
  local left
  left=$(docker ps -aq)
  # shellcheck disable=SC2086
  [ -z "$left" ] || docker rm -f -v $left >/dev/null 2>&1 || true
  docker volume prune -f >/dev/null 2>&1 || true
}

process_gone() { # PID TENTHS-OF-A-SECOND : also true for a zombie, which waits for its parent only
  local tries=0
  while [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; do
    [ $((tries += 1)) -le "$2" ] || return 1
    sleep 0.1
  done
}

# Ends dockerd, also one that is stopped (SIGSTOP) or no longer answers; then what it has left: containers, shims, containerd.
keeper_stop() {
  local pid ours children
  pid=$(cat "$home/pid" 2>/dev/null || true)
  if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    kill -CONT "$pid" 2>/dev/null || true
    timeout 20 docker ps -q 2>/dev/null | timeout 20 xargs -r docker kill >/dev/null 2>&1 || true
    kill -TERM "$pid" 2>/dev/null || true
    process_gone "$pid" 300 || { kill -KILL "$pid" 2>/dev/null || true; process_gone "$pid" 50 || true; }
  fi
  for _ in 1 2 3; do
    mapfile -t ours < <(grep -laF -- "$home/exec" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3)
    for pid in "${ours[@]}"; do
      # A container on this machine may run an engine under the same path: its processes are not ours.
      [ "$(readlink "/proc/$pid/ns/pid" 2>/dev/null)" = "$(readlink /proc/self/ns/pid)" ] || continue
      if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = containerd-shim ]; then
        read -ra children < <(cat "/proc/$pid/task"/*/children 2>/dev/null; echo)
        [ ${#children[@]} = 0 ] || kill -KILL "${children[@]}" 2>/dev/null || true
      fi
      kill -KILL "$pid" 2>/dev/null || true
      process_gone "$pid" 50 || true
    done
    [ ${#ours[@]} != 0 ] || break
  done
}

# Removes mounts and links; the data root stays, without containers' networks.
keeper_clear() {
  local link
  awk -v home="$home/" 'index($5, home) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
    while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
  for link in $(ip -4 -o addr | awk -v range="10.$net." 'index($4, range) == 1 { print $2 }') "$bridge"; do
    ip link del "$link" 2>/dev/null || true
  done
  keeper_rules -D 2>/dev/null || true
  rm -rf "$home/exec" "$home/data/network" "$home/docker.sock" "$home/pid" "$home/net"
}

keeper_end() {
  trap - EXIT
  trap '' INT TERM HUP
  keeper_stop
  keeper_clear
  exec 9>&-
  exit "${1:-0}"
}

keep() {
  local name=$1 order
  shift
  arguments=("$@")
  scratch_folder
  trap '' INT HUP
  keeper_claim "$name"
  engine_only_at "unix://$home/docker.sock"
  : >"$home/dockerd.log"
  bridge=aisb-$(printf %s "$home" | cksum | { read -r sum _; printf '%08x' "$sum"; })
  # What a keeper that was killed has left behind.
  net=$(cat "$home/net" 2>/dev/null || echo none)
  keeper_stop
  keeper_clear
  keeper_network
  keeper_rules -I
  trap 'keeper_end 1' EXIT
  trap 'keeper_end 0' TERM
  keeper_start
  keeper_sweep
  echo "ready $engine_pid $home/docker.sock $home/data"
  while read -r order; do
    case $order in
      stop) keeper_stop; echo stopped ;;
      start) keeper_start; echo "ready $engine_pid $home/docker.sock $home/data" ;;
      *) say "engine keeper: unknown order $order" ;;
    esac
  done
  keeper_end 0
}

purge() {
  scratch_folder
  keeper_claim "$1"
  [ "$home" = "$scratch/$1" ] || die "the engine $1 is running"
  rm -rf "$home"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  case ${1:-} in
    keep) shift; keep "$@" ;;
    purge) purge "$2" ;;
    *) sed -n '2,6p' "$0" >&2; exit 2 ;;
  esac
fi
