# SPDX-License-Identifier: MIT
# Goal: every file names its licence and its duty, and src/MAP.md tells both.
# Method: compare the second line of each file with the map's sentence for it.
. "$(dirname "$0")/lib.sh"

offences=$(
    for file in $(sources src include tests tools examples bench tsan); do
        # shellcheck disable=SC2016
        [ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: MIT */' ] ||
            printf '%s:1: the first line is not the SPDX line\n' "$file"
    done
    find CMakeLists.txt cmake scripts tests tsan .ci -type f \
        \( -name '*.txt' -o -name '*.cmake' -o -name '*.sh' \
        -o -path 'scripts/*' -o -path tsan/run -o -path '.ci/*' \) | LC_ALL=C sort |
        while read -r file; do
            head -n 2 "$file" | grep -q '^# SPDX-License-Identifier: MIT$' ||
                printf '%s:1: no SPDX line\n' "$file"
        done

    [ -f src/MAP.md ] || printf 'src/MAP.md:1: there is no map\n'
    for file in $(sources src); do
        duty=$(sed -n '2s|^/\* \(.*[.]\) \*/$|\1|p' "$file")
        if [ -z "$duty" ]; then
            printf '%s:2: no sentence that says the duty\n' "$file"
            continue
        fi
        [ -f src/MAP.md ] || continue
        line="- \`$file\`: $duty"
        if ! grep -qF -e "- \`$file\`: " src/MAP.md; then
            printf '%s:2: not in src/MAP.md\n' "$file"
        elif ! grep -qxF -e "$line" src/MAP.md; then
            printf '%s:2: src/MAP.md says otherwise: %s\n' "$file" \
                "$(grep -F -e "- \`$file\`: " src/MAP.md)"
        fi
    done
    # The map's other lines: files that are gone, files told twice.
    [ ! -f src/MAP.md ] || awk '
        match($0, /^- `[^`]+`: /) {
            file = substr($0, 4, RLENGTH - 6)
            if (file in told)
                printf "src/MAP.md:%d: %s is told twice\n", FNR, file
            told[file] = 1
            if ((getline first < file) <= 0)
                printf "src/MAP.md:%d: there is no %s\n", FNR, file
            close(file)
        }' src/MAP.md
)
verdict "$offences"
