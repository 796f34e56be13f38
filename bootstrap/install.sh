#!/usr/bin/env bash
# Bootstrap action for EMR on EC2: unpacks the dependency archive of a release into a folder of its own.
#
#   install.sh --from s3://bucket/lakejobs/0.1.0-abc --lock default [--prefix /opt/lakejobs] [--sums-sha256 HEX]
#
#   --from         artefact prefix or folder that `lakejobs package --environment LOCK[:ARCH]` has filled; nothing else is read
#   --lock         which dependency archive: default, emr-7.13.0, ...; the processor is that of the node
#   --prefix       where to install; <prefix>/current/bin/python is the interpreter to name as PYSPARK_PYTHON
#   --sums-sha256  expected SHA-256 of the SHA256SUMS file, to pin everything below it
#
# Touches no system Python and no system package. A second run changes nothing. Leaves 0 on success, otherwise not 0.
set -euo pipefail
umask 022

from="" lock="" prefix="/opt/lakejobs" sums_sha256=""
attempts="${LAKEJOBS_FETCH_ATTEMPTS:-5}"

say() { printf '%s install.sh: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >&2; }
fail() { say "$*"; exit 1; }

while (($#)); do
  (($# >= 2)) || fail "$1 needs a value"
  case "$1" in
    --from) from="${2%/}" ;;
    --lock) lock="$2" ;;
    --prefix) prefix="${2%/}" ;;
    --sums-sha256) sums_sha256="$2" ;;
    *) fail "unknown argument $1" ;;
  esac
  shift 2
done
[[ -n "$from" && -n "$lock" ]] || fail "--from and --lock are needed"
[[ "$prefix" == /* && "$prefix" != / ]] || fail "--prefix must be an absolute path below /"

# EMR runs bootstrap actions as the user hadoop, who cannot write to /opt; the work itself is done as that user.
if ! mkdir -p "$prefix" 2>/dev/null || [[ ! -w "$prefix" ]]; then
  sudo -n mkdir -p "$prefix"
  sudo -n chown "$(id -u):$(id -g)" "$prefix"
fi

# Only one at a time, and nothing half-done stays behind.
exec 9>"$prefix/.lock"
flock 9
work="$(mktemp -d "$prefix/.work.XXXXXX")"
trap 'rm -rf "$work"' EXIT

fetch() { # fetch NAME TARGET
  local attempt
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    if [[ "$from" == s3://* ]]; then
      aws s3 cp --only-show-errors "$from/$1" "$2" >&2 && return 0
    else
      cp "$from/$1" "$2" && return 0
    fi
    say "fetching $1 failed (attempt $attempt of $attempts)"
    ((attempt == attempts)) || sleep "$((2 ** attempt))"
  done
  fail "could not fetch $from/$1"
}

has_sum() { # has_sum FILE HEX
  [[ "$(sha256sum "$1" | cut -d' ' -f1)" == "$2" ]]
}

fetch SHA256SUMS "$work/SHA256SUMS"
[[ -z "$sums_sha256" ]] || has_sum "$work/SHA256SUMS" "$sums_sha256" || fail "SHA256SUMS is not the expected file"

# A line is "<sum>  environment-<lock>-<processor>-<hash>.tar.gz"; the trailing hash keeps one lock from matching another.
machine="$(uname -m)"
name="" sum=""
while read -r listed_sum listed_name; do
  hash="${listed_name#"environment-$lock-$machine-"}"
  if [[ "$hash" != "$listed_name" && "$hash" =~ ^[0-9a-f]{12}\.tar\.gz$ ]]; then
    [[ -z "$name" ]] || fail "more than one environment of $lock for $machine is listed"
    name="$listed_name" sum="$listed_sum"
  fi
done <"$work/SHA256SUMS"
[[ -n "$name" ]] || fail "no environment of $lock for $machine is listed in $from/SHA256SUMS"

target="$prefix/environments/$sum"
if [[ -e "$target/.complete" ]]; then
  say "$name is there already"
else
  fetch "$name" "$work/environment.tar.gz"
  has_sum "$work/environment.tar.gz" "$sum" || fail "$name does not have the sum listed in SHA256SUMS"
  mkdir "$work/environment"
  tar -xzf "$work/environment.tar.gz" -C "$work/environment" --no-same-owner
  "$work/environment/bin/python" -I -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' ||
    fail "the interpreter of $name does not start on this node"
  touch "$work/environment/.complete"
  mkdir -p "$prefix/environments"
  rm -rf "$target"
  mv -T "$work/environment" "$target"
  say "installed $name"
fi

ln -s "environments/$sum" "$work/current"
mv -T "$work/current" "$prefix/current"
say "$prefix/current/bin/python is ready"
exit 0
