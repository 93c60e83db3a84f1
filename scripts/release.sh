#!/usr/bin/env bash
# Makes a release in dist/ and checks it: sdist and wheel, an installation in an empty environment for each Python,
# bill of materials, audit, citation, and a bundle that installs without a network.
#
#   scripts/release.sh [PYTHON ...]        # the Pythons to install into; else every python3.N on the path, N >= 11
#
# Needs bash, and a network for the packages and for pip-audit. RELEASE_WITHOUT_AUDIT=1 leaves the audit out, and
# says so. CI has run `.ci/run` before; it is not repeated here.
set -euo pipefail
cd "$(dirname "$0")/.."

most_bytes=80000000
scratch="$(mktemp -d)"
trap 'status=$?; rm -rf "$scratch"; ((status == 0)) || echo "FAILED with exit code $status" >&2' EXIT
export PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
unset PYTHONPATH PYTHONHOME

step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }
fail() { echo "$1" >&2; exit 1; }

# An empty environment: `environment NAME PYTHON` makes $scratch/NAME.
environment() {
  "$2" -m venv --without-pip "$scratch/$1"
  "$2" -m pip --python "$scratch/$1/bin/python" install pip
}

# A tool in an environment of its own, so that tools never quarrel over versions: `tool PACKAGE COMMAND ...`.
tool() {
  [[ -d "$scratch/tool-$1" ]] || { environment "tool-$1" "${pythons[0]}"; "$scratch/tool-$1/bin/python" -m pip install "$1"; }
  "$scratch/tool-$1/bin/$2" "${@:3}"
}

# Reads the packaged article far from the checkout; a model that finds nothing there is no release.
reads_article() {
  (cd "$scratch" && LIBYAEVENTS_OFFLINE=1 "$1/bin/libyaevents" extract --article "${@:2}" >article.jsonl)
  grep --quiet '"trigger"' "$scratch/article.jsonl" || fail "expected events of the packaged article, found none"
}

if (($#)); then
  pythons=("$@")
else
  mapfile -t found < <(compgen -c python3. | grep -E '^python3\.(1[1-9]|[2-9][0-9])$' | sort --unique --version-sort)
  pythons=()
  for python in "${found[@]}"; do # a name on the path may be a shim with nothing behind it
    ! "$python" -c "" 2>/dev/null || pythons+=("$python")
  done
fi
((${#pythons[@]})) || fail "expected Python 3.11 or newer on the path, found none: name one"
version="$("${pythons[0]}" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')"

step "Build libyaevents $version"
rm -rf dist
tool build pyproject-build --outdir dist .
wheel="dist/libyaevents-$version-py3-none-any.whl"
sdist="dist/libyaevents-$version.tar.gz"
size="$(stat --format %s "$wheel")"
((size <= most_bytes)) || fail "$wheel: expected at most $most_bytes bytes, found $size"
echo "wheel $size bytes, sdist $(stat --format %s "$sdist") bytes"

for python in "${pythons[@]}"; do
  step "Install the wheel: $("$python" --version)"
  name="wheel-$(basename "$python")"
  environment "$name" "$python"
  "$scratch/$name/bin/python" -m pip install "$wheel"
  reads_article "$scratch/$name"
done
step "Install the sdist: $("${pythons[0]}" --version)"
environment sdist "${pythons[0]}"
"$scratch/sdist/bin/python" -m pip install "$sdist"
reads_article "$scratch/sdist"

installed="$scratch/wheel-$(basename "${pythons[0]}")"
"$installed/bin/python" -m pip uninstall --yes pip # it came with the environment, not with the release

step "Bill of materials"
tool cyclonedx-bom cyclonedx-py environment "$installed/bin/python" --pyproject pyproject.toml \
  --output-reproducible --output-format JSON --output-file "dist/libyaevents-$version.cdx.json"

step "Audit"
if [[ "${RELEASE_WITHOUT_AUDIT:-}" == 1 ]]; then
  echo "NOT RUN: known vulnerabilities of the dependencies were not looked up" >&2
else
  # Strict: where the service does not know a package, it was not looked up, which is no clean result. This package
  # itself is left out, since the service cannot know it before it is published.
  "${pythons[0]}" -m pip --python "$installed/bin/python" freeze --exclude libyaevents >"$scratch/frozen.txt"
  tool pip-audit pip-audit --strict --no-deps --disable-pip --requirement "$scratch/frozen.txt" ||
    fail "pip-audit found vulnerabilities, or could not look up all packages: see above"
fi

step "Citation"
tool cffconvert cffconvert --validate --infile CITATION.cff
grep --quiet --fixed-strings "version: $version" CITATION.cff || fail "CITATION.cff: expected version $version"

step "Bundle"
"${pythons[0]}" -m pip wheel --wheel-dir "$scratch/wheels" "$wheel"
fingerprint="$("$installed/bin/libyaevents" models bundle compact "dist/libyaevents-$version-bundle.zip" --wheels "$scratch/wheels")"
"$installed/bin/libyaevents" models verify "dist/libyaevents-$version-bundle.zip" --fingerprint "$fingerprint"
"${pythons[0]}" -m zipfile --extract "dist/libyaevents-$version-bundle.zip" "$scratch/bundle"
(cd "$scratch/bundle" && sha256sum --check --quiet SHA256SUMS)
environment offline "${pythons[0]}"
PIP_EXTRA_INDEX_URL="" "$scratch/offline/bin/python" -m pip install --no-index --find-links "$scratch/bundle/wheels" libyaevents
reads_article "$scratch/offline" --model "$scratch/bundle/model"

(cd dist && sha256sum ./* >SHA256SUMS)
step "All passed: dist/"
ls -l dist
