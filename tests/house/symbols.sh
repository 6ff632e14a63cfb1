# SPDX-License-Identifier: MIT
# Goal: no object reaches past its layer, whatever its includes say, and what
# can fail is called through one door, where its fault point is (base/fault.h).
# Method: match what each object of the library lacks with who defines it, and
# with the doors.
. "$(dirname "$0")/lib.sh"

objects_dir=${build_dir:?the build directory}/CMakeFiles/dewpond_objects.dir
[ -d "$objects_dir/src" ] || fail "no objects in $objects_dir"
cd "$objects_dir"
objects=$(find src -name '*.o' | LC_ALL=C sort)
[ -n "$objects" ] || fail "no objects in $objects_dir"

# An object of a source that is gone stays in the build directory: leave it out.
present=
for object in $objects; do
    if [ -f "$source_dir/${object%.o}" ]; then
        present="$present $object"
    fi
done

# nm -A -P: "FILE: NAME TYPE ...".
# shellcheck disable=SC2086
nm -A -P $present | awk '
function door(names, files,    list, count, i) {
    count = split(names, list, " ")
    for (i = 1; i <= count; i++) doors[list[i]] = files
}
{
    file = $1
    sub(/:$/, "", file)
    sub(/\.o$/, "", file)
    split(file, part, "/")
    layer = part[2]
    if ($3 == "U") lacks[file, $2] = layer
    else if ($3 ~ /^[TDBRVWC]$/ && $2 !~ /^(__odr_asan|__asan|DW\.ref)/) {
        home[$2] = layer
        home_file[$2] = file
    }
}
END {
    below["api"] = " api keeper core session base "
    below["keeper"] = " keeper core session base "
    below["core"] = " core base "
    below["session"] = " session base "
    below["base"] = " base "
    door("malloc calloc realloc reallocarray strdup strndup aligned_alloc " \
         "posix_memalign memalign valloc free", "base/memory")
    # Calls that allocate behind our back, and need no door of their own.
    door("asprintf vasprintf __asprintf_chk __vasprintf_chk getline getdelim " \
         "open_memstream fopen fopen64 fdopen opendir scandir getaddrinfo " \
         "tempnam realpath getcwd", "none")
    door("pthread_create pthread_atfork __register_atfork thrd_create clone " \
         "posix_spawn posix_spawnp fork vfork", "base/thread")
    door("poll ppoll __poll_chk __ppoll_chk select pselect epoll_create " \
         "epoll_create1 epoll_wait epoll_pwait clock_nanosleep", "base/poll")
    door("clock_gettime gettimeofday time timespec_get", "base/clock")
    door("nanosleep usleep sleep pause sem_wait sem_timedwait", "none")
    door("pthread_mutex_init sem_init timer_create timerfd_create " \
         "inotify_init signalfd", "none")
    door("pthread_cond_init pthread_cond_wait pthread_cond_timedwait " \
         "pthread_cond_clockwait", "base/cond")
    door("eventfd", "base/bell")
    door("dup dup2 pipe pipe2 socket socketpair accept accept4", "none")
    # In place of a socket that a child must not have: it has its number.
    door("dup3", "base/forked")
    # Duplicates; and flags of a socket, which cannot fail.
    door("fcntl fcntl64", "base/socket session/connect " \
         "session/flavour_mariadb_bound")
    door("open open64 openat openat64 __open_2 __open64_2", \
         "base/thread base/forked")
    door("syscall", "base/park")
    door("getrandom getentropy", "base/random")
    door("mmap mmap64 madvise", "base/forked")
    door("mprotect brk sbrk", "none")
    door("mysql_init", "session/connect")
    door("mysql_library_init mysql_server_init", "session/library")
    for (key in lacks) {
        split(key, at, SUBSEP)
        file = at[1]
        name = at[2]
        layer = lacks[key]
        if ((name in home) && index(below[layer], " " home[name] " ") == 0)
            printf "%s:1: %s needs %s of %s\n", file, layer, name,
                home_file[name]
        if ((name in doors) &&
            index(" " doors[name] " ",
                  " " substr(file, 5, length(file) - 6) " ") == 0)
            printf "%s:1: calls %s, as only %s may\n", file, name,
                doors[name]
        if (name ~ /^(mysql|mariadb|mysqlclient)_/ && layer != "session")
            printf "%s:1: %s calls %s, as only session may\n", file, layer,
                name
        # The read side is inline: what it looks at shows up wherever it is.
        if (name ~ /^(urcu|rcu|cds)_/ &&
            name !~ /^urcu_bp_(reader|gp|register|has_sys_membarrier)$/ &&
            file !~ /^src\/base\/reclaim\./)
            printf "%s:1: %s calls %s, as only base/reclaim may\n", file,
                layer, name
        if (name ~ /^ck_/ && layer != "core")
            printf "%s:1: %s calls %s, as only core may\n", file, layer, name
    }
}' >"$build_dir/house-symbols.txt"
verdict "$(LC_ALL=C sort "$build_dir/house-symbols.txt")" \
    "$(printf '%s\n' "$present" | wc -w) objects"
