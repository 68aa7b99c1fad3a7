#!/bin/sh
# Formatting of every file; then clang-tidy on the source files that changed since this branch left origin/main (in the last
# commit that touched C++ where none did), or with --all on every one. A changed header is analysed through one file that
# includes it. After SONOGRAD_LINT_SECONDS no further file is begun.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc 2>/dev/null || echo 2)

existing() { while read -r file; do [ ! -e "$file" ] || echo "$file"; done; }

sources=$(git ls-files --cached --others --exclude-standard '*.h' '*.cpp' | existing)
[ -n "$sources" ] || {
  echo "lint: git lists no source file here; run it in a clone" >&2
  exit 1
}
echo "$sources" | xargs clang-format-14 --dry-run -Werror

since() {
  git diff --name-only --diff-filter=d "$1" -- '*.h' '*.cpp'
  git ls-files --others --exclude-standard '*.h' '*.cpp'
}

changed() {
  base=$(git merge-base HEAD origin/main 2>/dev/null) && since "$base" | grep . && return
  last=$(git log -1 --format=%H -- '*.h' '*.cpp')
  since "$(git rev-parse -q --verify "$last^" || git hash-object -t tree /dev/null)"  # a shallow clone ends: all is new
}

case ${1:-} in
  --all) files=$(echo "$sources" | grep '\.cpp$') ;;
  "")
    files=$(changed | while read -r file; do
      case $file in
        *.h) git grep -l -F "\"$file\"" -- '*.cpp' | head -n 1 ;;
        *) echo "$file" ;;
      esac
    done | sort -u)
    ;;
  *)
    echo "lint: there is no '$1'; give --all or nothing" >&2
    exit 2
    ;;
esac

begun=$(mktemp)
trap 'rm -f "$begun"' EXIT
end=$(($(date +%s) + ${SONOGRAD_LINT_SECONDS:-1000000}))
export begun end
# shellcheck disable=SC2016
echo "$files" | xargs -r -P "$jobs" -n 1 sh -c '
  [ "$(date +%s)" -lt "$end" ] || exit 0
  echo "$1" >>"$begun"
  said=$(clang-tidy-14 -p build/release --quiet "$1" 2>&1) || { printf "%s\n" "$said" >&2; exit 1; }' lint || {
  echo "lint: clang-tidy found what stands above" >&2
  exit 1
}
all=$(echo "$files" | grep -c . || true)
analysed=$(grep -c . "$begun" || true)
[ "$analysed" = "$all" ] || echo "lint: time was up before $((all - analysed)) of $all files"
echo "lint: formatting is right, clang-tidy has nothing to say on $analysed files"
