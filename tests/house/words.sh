# SPDX-License-Identifier: MIT
# Goal: nothing is written in the repository that does not belong there.
# Method: look for marks of unfinished work and for paths of one machine.
. "$(dirname "$0")/lib.sh"

# Taken apart, so that this file does not find itself.
marks='TO''DO|FIX''ME|X''XX|HA''CK'
paths='/wo''rk/|/tmp/b''-|/home/[a-z]|snapshot\.deb''ian|deb\.deb''ian\.org'

offences=$(find . \( -name .git -o -path ./build -o -name .cache \) -prune \
    -o -type f -print | LC_ALL=C sort | sed 's|^\./||' |
    while read -r file; do
        grep -nHIE "(^|[^A-Za-z0-9_])($marks)([^A-Za-z0-9_]|\$)|$paths" \
            "$file" || true
    done)
verdict "$offences"
