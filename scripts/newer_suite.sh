# SPDX-License-Identifier: MIT
# The private root folder of Debian's newer suite: made, kept, entered. Sourced
# by scripts/test-oracle, after lib.sh; $folder says where it is.

newer_suite=sid
# What dpkg installs there: Oracle's library and server, and the tools.
newer_packages="apt,libmysqlclient-dev,mysql-client-core,mysql-server-core,\
liburcu-dev,libck-dev,libcmocka-dev,gcc,g++,libc6-dev,cmake,ninja-build,\
pkg-config,openssl,clang,llvm,libclang-rt-dev"
# What is only unpacked there: as packages they would not suffer Oracle's.
newer_unpacked="libmariadb-dev mariadb-server-core"
# Where Connector/C's libmariadb.pc is put: out of sight, unless asked for.
connector=/opt/connector

need_root()
{
    [ "$(id -u)" -eq 0 ] || die "as root, please: it mounts and changes root"
    command -v apt-get >/dev/null || die "not Debian: there is no apt-get"
}

# What this machine's own apt fetches Debian from, and by which signature.
find_mirror()
{
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' \
        'Created-By: Packages' | sed -n 's/ Debian$//p' | head -n 1)
    if [ -z "$mirror" ]; then
        apt-get -qq update || die "apt-get update failed"
        mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' \
            'Created-By: Packages' | sed -n 's/ Debian$//p' | head -n 1)
    fi
    [ -n "$mirror" ] || die "apt's sources name no Debian"
    proxy=
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
}

# Nothing of ours is mounted below it in this namespace (see `enter`), but a
# hand may have mounted something: then it is not for us to remove.
remove_folder()
{
    [ -e "$1" ] || return 0
    if grep -qF " $1/" /proc/self/mountinfo; then
        die "something is mounted below $1: not removed"
    fi
    rm -rf --one-file-system -- "$1"
}

# Runs outside, with the new folder as $1, while mmdebstrap has it mounted.
unpack_hook='set -e
cd "$1/tmp"
chroot "$1" apt-cache show --no-all-versions $newer_unpacked |
    sed -n "s/^Depends: //p" | tr "," "\n" | sed "s/[(|].*//; s/ //g" |
    sort -u >depends
chroot "$1" apt-get -qq -y install $(cat depends)
chroot "$1" sh -c "cd /tmp && exec apt-get -qq download $newer_unpacked"
for package in *.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$1" --skip-old-files
done
rm -f -- *.deb depends
mkdir -p "$1$connector"
cp -L "$1"/usr/lib/*/pkgconfig/libmariadb.pc "$1$connector/"
rm -f "$1"/usr/lib/*/pkgconfig/libmariadb.pc
chroot "$1" ldconfig
printf "127.0.0.1 localhost\n::1 localhost\n" >"$1/etc/hosts"'

# What the folder must be made of to be used again.
recipe()
{
    printf '%s\n' "$newer_suite $newer_packages" "$newer_unpacked" \
        "$unpack_hook"
}

make_folder()
{
    find_mirror
    say "making the root folder $folder"
    # It appears under its name when it is done: no half of one is ever used.
    remove_folder "$folder.new"
    export newer_unpacked connector
    mmdebstrap --variant=minbase --mode=root \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='APT::Install-Recommends "false"' \
        ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
        --include="$newer_packages" --customize-hook="$unpack_hook" \
        "$newer_suite" "$folder.new" "$mirror" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        remove_folder "$folder.new"
        die "mmdebstrap could not make the root folder"
    }
    recipe >"$folder.new/recipe"
    remove_folder "$folder"
    mv "$folder.new" "$folder"
}

# Makes the folder, or takes the one that is there; nobody else may use it.
open_folder()
{
    folder=$(realpath -m -- "$folder")
    case $folder/ in
    "$root"/*) die "the root folder must not lie in the repository" ;;
    esac
    mkdir -p "$(dirname -- "$folder")"
    exec 9>"$folder.lock"
    flock -n 9 || die "$folder is used by another run"
    if [ "$fresh" = no ] && recipe | cmp -s - "$folder/recipe"; then
        say "using the root folder $folder of $(date -r "$folder/recipe" +%F)"
    elif [ -e "$folder" ] && [ ! -e "$folder/recipe" ]; then
        die "$folder is there, and not of our making"
    else
        make_folder
    fi
}

# Copies what is committed to where `inside` finds it as /srv/dewpond.
put_sources()
{
    [ -z "$(git status --porcelain)" ] ||
        printf 'note: what is not committed is not tested\n'
    remove_folder "$folder/srv/dewpond"
    mkdir -p "$folder/srv/dewpond"
    git archive HEAD | tar -x -C "$folder/srv/dewpond"
}

# Changes into the folder: in a mount and a process namespace of its own, so
# that whichever way this ends, nothing stays mounted and no server runs on.
# Its first process is a shell that stays and collects orphans.
# shellcheck disable=SC2016
enter='mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || exit 125
chroot "$0" env -i PATH=/usr/sbin:/usr/bin HOME=/root TMPDIR=/tmp LC_ALL=C.UTF-8 \
    DEWPOND_PACKAGES=present DEBIAN_FRONTEND=noninteractive "$@"
exit $?'

# inside COMMAND...: runs it in the folder.
inside()
{
    setpriv --pdeathsig KILL unshare --mount --propagation private --pid \
        --fork --kill-child sh -c "$enter" "$folder" "$@" </dev/null 9>&- &
    inside_pid=$!
    status=0
    wait $inside_pid || status=$?
    inside_pid=
    return $status
}

# The same; what it says is seen at once, and kept in $scratch/out.
inside_aloud()
{
    : >"$scratch/out"
    tail -f -n +1 -s 0.2 --pid=$$ "$scratch/out" 9>&- &
    tail_pid=$!
    status=0
    inside "$@" >"$scratch/out" 2>&1 || status=$?
    sleep 1 # tail has the last lines to read
    kill $tail_pid
    wait $tail_pid 2>/dev/null || true
    return $status
}

# Ends what runs inside, with all that it has started.
end_inside()
{
    [ -n "$inside_pid" ] || return 0
    kill -KILL "$inside_pid" 2>/dev/null || true
    wait "$inside_pid" 2>/dev/null || true
    inside_pid=
}
