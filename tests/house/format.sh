# SPDX-License-Identifier: MIT
# Goal: the form of the code is not a matter of taste.
# Method: clang-format 14 with the repository's own rules; it changes nothing.
. "$(dirname "$0")/lib.sh"

formatter=$(command -v clang-format-14 || true)
[ -n "$formatter" ] || skip "clang-format-14 is not installed"
offences=$(sources src include tests tools examples bench tsan |
    xargs "$formatter" --dry-run 2>&1 | grep 'warning:' || true)
verdict "$offences"
