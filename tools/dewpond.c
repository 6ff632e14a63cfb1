/* SPDX-License-Identifier: MIT */
/* The program `dewpond`: picks the subcommand. */
#include "storm.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: dewpond storm [options] [URI]\n"
    "       dewpond --help | --version\n"
    "\n"
    "  storm   many threads query a server through one pool; every answer is\n"
    "          checked to be the asker's own (dewpond storm --help)\n";

static bool
is(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

void
dewpond_print_version(void)
{
    (void)printf("dewpond %s, client library %s\n", dew_version(),
                 mysql_get_client_info());
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return STORM_USAGE;
    }
    if (is(argv[1], "--help", "help")) {
        (void)fputs(usage, stdout);
        return STORM_FINE;
    }
    if (is(argv[1], "--version", "version")) {
        dewpond_print_version();
        return STORM_FINE;
    }
    if (strcmp(argv[1], "storm") == 0) {
        return (int)storm_main(argc - 2, argv + 2);
    }
    (void)fprintf(stderr, "dewpond: there is no command '%s'\n%s", argv[1],
                  usage);
    return STORM_USAGE;
}
