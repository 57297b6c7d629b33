# shellcheck shell=bash
# For the scripts of this folder: messages, timed steps, packages of the distribution. Source it; it sets nothing but names.

# Everything these scripts make outside the checkout lies here.
scratch=/var/tmp/ai-sandbox

# A terminal that is gone is no reason to end before the cleaning up.
say() { printf 'ai-sandbox: %s\n' "$*" >&2 || true; }
die() { say "$*"; exit 1; }

# Makes the scratch folder; refuses one that somebody else has put there (/var/tmp is open to everybody).
scratch_folder() {
  [ -d "$scratch" ] || mkdir -m 0755 "$scratch" 2>/dev/null || true
  if [ ! -d "$scratch" ] || [ ! -O "$scratch" ] || [ -L "$scratch" ]; then
    die "$scratch is not a folder of $(id -un); remove it"
  fi
}

# step TITLE COMMAND… : runs the command with its output in a log; says when it starts, every 10 s, and how long it took.
# A failing command shows the end of its log; its status is returned. `set -e` does not reach into a shell function that
# runs under `if`, `&&` or `||`, here included: such a function checks its own commands.
step() {
  local title=$1 log started status=0 beat
  shift
  scratch_folder
  log=$(mktemp "$scratch/step.XXXXXX")
  started=$(date +%s)
  say "$title …"
  (
    # A wait without a child that could be left behind.
    exec {never}<> <(:)
    until read -rt 10 -u "$never"; do
      say "$title … $(($(date +%s) - started)) s: $(tail -c 2000 "$log" | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -1 | cut -c1-100)"
    done
  ) &
  beat=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$beat" 2>/dev/null || true
  wait "$beat" 2>/dev/null || true
  if [ "$status" = 0 ]; then
    say "$title: $(($(date +%s) - started)) s"
  else
    say "$title: failed after $(($(date +%s) - started)) s (status $status); the end of its output:"
    tail -n 30 "$log" | sed 's/^/    /' >&2
  fi
  rm -f "$log"
  return "$status"
}

# install_packages PACKAGE… : installs packages of the distribution, and says so before.
# Services that a package brings are not started: a script must not leave a daemon behind.
install_packages() {
  [ "$(id -u)" = 0 ] || die "missing: $*; as root: apt-get install $*"
  command -v apt-get >/dev/null || die "missing: $*; this script installs packages only with apt-get"
  step "installing from this distribution: $*" apt_install "$@"
}

apt_install() (
  scratch_folder
  exec 8>"$scratch/apt.lock"
  flock 8
  export DEBIAN_FRONTEND=noninteractive
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  # Fresh lists spare the update; old ones name files that are gone.
  if [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -720 2>/dev/null | head -1)" ]; then apt-get update -q; fi
  apt-get install -y -q --no-install-recommends "$@" ||
    { apt-get update -q && apt-get install -y -q --no-install-recommends "$@"; }
)

# need COMMAND PACKAGE… : installs the packages when the command is missing.
need() { command -v "$1" >/dev/null || install_packages "${@:2}"; }

# detached COMMAND… : goes on after the script has ended; holds none of its locks, which stand in descriptors from 10 on.
detached() {
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      [ "$fd" -lt 10 ] || eval "exec $fd>&-"
    done
    exec setsid "$@" >/dev/null 2>&1 </dev/null
  ) &
}
