#!/usr/bin/env bash
# The real vLLM (CPU) and Open WebUI as images: the official ones where their registries answer, else built from packages.
#
#   source scripts/lib/real-images.sh; real_images      sets API_IMAGE and UI_IMAGE; an official image is not pulled here
#   scripts/lib/real-images.sh [--packages]             the same in the engine of DOCKER_HOST; prints both names
#
# Built from packages: a Debian 12 root with Python 3.11 and a C++ compiler (vLLM compiles graphs with it), made once; in it
# one virtual environment for each image, by uv, which links what both need; then one tar stream into `docker import` for each:
# an image of one layer, copied once.
# Honoured: pip's find-links (PIP_FIND_LINKS, or pip's configuration) where it names a folder or an address, PIP_INDEX_URL,
# PIP_CERT. Without find-links torch comes from PyTorch's own index of CPU builds.
# AI_SANDBOX_IMAGES=packages or official decides without asking the registries.
set -euo pipefail
images_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$images_lib/common.sh"

vllm_version=0.32.0
open_webui_version=0.12.4
torch_version=2.13.0+cpu
built_api_image=ai-sandbox-real/vllm-cpu:$vllm_version
built_ui_image=ai-sandbox-real/open-webui:$open_webui_version
official_api_image=vllm/vllm-openai-cpu:v$vllm_version
official_ui_image=ghcr.io/open-webui/open-webui:v$open_webui_version

# Only Docker Hub's own answer counts: a proxy that refuses answers as well, with another status.
registry_answers() { # HOST : answers the first question of every pull with "log in" within 5 s
  [ "$(curl -sS -o /dev/null -m 5 -w '%{http_code}' "https://$1/v2/" 2>/dev/null)" = 401 ]
}

# Says which images are used; true for the official ones.
official_images() {
  case ${AI_SANDBOX_IMAGES:-} in
    official) return 0 ;;
    packages) say "images: built from packages, as asked"; return 1 ;;
  esac
  if [ "$(uname -m)" = x86_64 ] || [ "$(uname -m)" = aarch64 ]; then
    if registry_answers registry-1.docker.io && registry_answers ghcr.io; then
      say "images: the official ones; their registries answer"
      return 0
    fi
  fi
  say "images: built from packages of Debian and PyPI; the registries of the official ones do not answer"
  return 1
}

real_images() {
  need curl curl ca-certificates
  if official_images; then
    API_IMAGE=$official_api_image UI_IMAGE=$official_ui_image
    return 0
  fi
  API_IMAGE=$built_api_image UI_IMAGE=$built_ui_image
  build_real_images
}

# pip_setting NAME : a setting of pip from its environment or its files, or nothing
pip_setting() {
  local variable=PIP_$1
  variable=${variable^^}
  variable=${variable//-/_}
  if [ -n "${!variable:-}" ]; then
    echo "${!variable}"
  elif command -v pip >/dev/null; then
    pip config get "global.$1" 2>/dev/null || true
  fi
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

build_real_images() {
  local api_job='' status=0
  if has_image "$built_api_image" && has_image "$built_ui_image"; then
    say "images: both are there from a former run"
    return 0
  fi
  [ "$(uname -m)" = x86_64 ] || die "images from packages exist only for x86-64; this machine is $(uname -m)"
  [ "$(id -u)" = 0 ] || die "building the images needs root"
  need mmdebstrap mmdebstrap debian-archive-keyring
  scratch_folder
  build=$(mktemp -d "$scratch/images.XXXXXX")
  {
    step "Debian 12 root with Python and a C++ compiler (about 40 s)" make_root &&
      if has_image "$built_api_image"; then :; else
        step "vLLM $vllm_version for the CPU from PyPI (about 30 s)" in_root vllm &&
          { step "image $built_api_image (about 30 s)" import_vllm & api_job=$!; }
      fi &&
      if has_image "$built_ui_image"; then :; else
        step "Open WebUI $open_webui_version from PyPI (about 20 s)" in_root open-webui &&
          step "image $built_ui_image (about 30 s)" import_open_webui
      fi
  } || status=$?
  [ -z "$api_job" ] || wait "$api_job" || status=$?
  # Removing so many files can take longer than making them; nothing waits for it.
  detached rm -rf "$build"
  return "$status"
}

make_root() {
  mmdebstrap --variant=essential --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include=ca-certificates,python3,python3-venv,libgomp1,libnuma1,curl,procps,g++,python3-dev \
    bookworm "$build/root" || return
  # A network may have a certificate authority of its own.
  local bundle
  bundle=$(pip_setting cert)
  [ -r "$bundle" ] || bundle=/etc/ssl/certs/ca-certificates.crt
  [ ! -r "$bundle" ] || cp "$bundle" "$build/root/etc/ssl/certs/ca-certificates.crt"
  rm -f "$build/root/etc/resolv.conf"
  cp -L /etc/resolv.conf "$build/root/etc/resolv.conf"
  mkdir -p "$build/root/build/wheels" "$build/root/opt" "$build/root/app/backend/data"
  cp "$images_lib/install-python-packages" "$build/root/build/"
}

# Runs the installation inside the root; its mounts are gone with the name space of the process.
in_root() {
  local links index
  links=$(pip_setting find-links)
  index=$(pip_setting index-url)
  # shellcheck disable=SC2016
  ROOT=$build/root LINKS=$links unshare --mount bash -c '
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    [ ! -d "$LINKS" ] || mount --bind "$LINKS" "$ROOT/build/wheels"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"' in-root \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" \
    FIND_LINKS="$([ -d "$links" ] && echo /build/wheels || echo "$links")" INDEX_URL="$index" \
    TORCH="$torch_version" VLLM="$vllm_version" OPEN_WEBUI="$open_webui_version" \
    chroot "$build/root" bash /build/install-python-packages "$1"
}

import_root() { # VENV-TO-LEAVE-OUT IMAGE IMPORT-OPTION…
  local leave_out=$1 image=$2
  shift 2
  # Status 1: a file changed while it was read. Only its number of links does, when the other environment takes it over.
  { tar -C "$build/root" -c --exclude="./opt/$leave_out" --exclude='./build' --exclude='./proc/*' --exclude='./dev/*' \
    --exclude='./tmp/*' . || [ $? = 1 ]; } | docker import "$@" - "$image"
}

# As the official image: the model's id is the first argument.
import_vllm() {
  import_root open-webui "$built_api_image" -c 'ENV PATH=/opt/vllm/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENTRYPOINT ["vllm", "serve"]' -c 'EXPOSE 8000'
}

# The embedding model for documents cannot be there: an engine that is asked only when used spares a traceback at each start.
import_open_webui() {
  import_root vllm "$built_ui_image" -c 'ENV PATH=/opt/open-webui/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV DATA_DIR=/app/backend/data' -c 'ENV RAG_EMBEDDING_ENGINE=openai' -c 'WORKDIR /app/backend' \
    -c 'CMD ["open-webui", "serve", "--host", "0.0.0.0", "--port", "8080"]' -c 'EXPOSE 8080'
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  case ${1:-} in
    --packages) AI_SANDBOX_IMAGES=packages ;;
    '') ;;
    *) sed -n '2,6p' "$0" >&2; exit 2 ;;
  esac
  docker version >/dev/null 2>&1 || die "no Docker engine answers at ${DOCKER_HOST:-the default socket}"
  real_images
  printf '%s\n%s\n' "$API_IMAGE" "$UI_IMAGE"
fi
