# SPDX-License-Identifier: MIT
# Goal: the form of the code is not a matter of taste.
# Method: clang-format 14 with the repository's own rules; it changes nothing.
. "$(dirname "$0")/lib.sh"

formatter=$(command -v clang-format-14 || true)
[ -n "$formatter" ] || skip "clang-format-14 is not installed"
files=$(sources src include tests tools examples bench tsan)
[ -n "$files" ] || fail "no sources to look at"
# shellcheck disable=SC2086
said=$("$formatter" --dry-run $files 2>&1) || {
    printf '%s\n' "$said" >&2
    fail "clang-format-14 does not run"
}
verdict "$(printf '%s\n' "$said" | grep 'warning:' || true)"
