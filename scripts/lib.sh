# SPDX-License-Identifier: MIT
# What the scripts share: saying things, installing, building. Sourced by sh.

say()
{
    printf '\n== %s\n' "$*"
}

die()
{
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# A directory that goes away with the script.
make_scratch()
{
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/dewpond-script-XXXXXX")
    log=$scratch/log
    trap 'rm -rf -- "$scratch"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP PIPE
}

# need_packages PACKAGE...: those that are missing, by apt, as root. A failing
# install ends the run: half a tool chain would only fail later and less
# clearly.
need_packages()
{
    # A root folder that scripts/newer_suite.sh has made has what it needs.
    [ "${DEWPOND_PACKAGES-}" != present ] || return 0
    if ! command -v dpkg-query >/dev/null 2>&1; then
        printf 'not Debian: taking for granted that there are %s\n' "$*"
        return 0
    fi
    missing=
    for package in "$@"; do
        # shellcheck disable=SC2016
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        die "missing packages; as root: apt-get install$missing"
    fi
    say "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Lists that are days old name files that are gone: always fetch new ones.
    apt-get -qq update || die "apt-get update failed"
    # shellcheck disable=SC2086
    apt-get -qq -y --no-install-recommends install $missing >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        die "apt-get could not install$missing"
    }
}

# Wanted by every build.
build_packages="gcc libc6-dev cmake ninja-build pkg-config libck-dev \
liburcu-dev libmariadb-dev"
server_packages="mariadb-server-core mariadb-client-core"

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# build PRESET DIRECTORY [TARGET...]; $configure_options go to cmake
configure_options=
warnings_are_errors=no
build()
{
    preset=$1 directory=$2
    shift 2
    say "building $preset in $directory"
    # shellcheck disable=SC2086
    cmake --preset "$preset" -B "$directory" $configure_options >"$log" 2>&1 || {
        cat "$log" >&2
        die "cmake could not configure $preset"
    }
    ninja -C "$directory" -j "$jobs" "$@" >"$log" 2>&1 || {
        # Without ninja's own lines about what went well.
        grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2
        die "$preset does not build"
    }
    tail -n 1 "$log"
    # More than -Werror sees: the linker's and the archiver's warnings too.
    if [ $warnings_are_errors = yes ] && grep -q 'warning:' "$log"; then
        grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2
        die "$preset builds with warnings"
    fi
}

# Old sanitizer runtimes cannot place their shadow memory where the kernel
# randomizes addresses by more than 28 bits.
fixed_addresses=
bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
    fixed_addresses="setarch -R"
fi

passed=0 failed=0 skipped=0 broken=

# run WHAT DIRECTORY CTEST-ARGUMENT...: runs tests and adds up what came out.
run()
{
    what=$1 directory=$2
    shift 2
    say "testing $what"
    {
        status=0
        $fixed_addresses ctest --test-dir "$directory" --output-on-failure \
            --no-tests=error -j 2 "$@" </dev/null 2>&1 || status=$?
        echo $status >"$scratch/status"
    } | tee "$scratch/out"
    # shellcheck disable=SC2046
    set -- $(awk '
        / Test +#[0-9]+: / {
            if (/ Passed +[0-9.]+ sec/) passed++
            else if (/\*\*\*(Skipped|Not Run \(Disabled\))/) skipped++
            else failed++
        }
        END { print passed + 0, failed + 0, skipped + 0 }' "$scratch/out")
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    # ctest knows more ways to fail than a failed test.
    if [ "$(cat "$scratch/status")" -ne 0 ]; then
        broken="$broken $what"
    fi
}
