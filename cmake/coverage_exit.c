/* SPDX-License-Identifier: MIT */
/* In place of the C library's _exit: what was run is written down first. */
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);

void
_exit(int status)
{
    __gcov_dump();
    for (;;) {
        (void)syscall(SYS_exit_group, status);
    }
}
