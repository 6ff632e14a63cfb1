/* SPDX-License-Identifier: MIT */
/* Turns a folder of inputs into one text file of hexadecimal lines, and back. */
/*
 *     fuzz_pack FILE.hex FOLDER        the lines become files, as engines want
 *     fuzz_pack --pack FILE...         the files become lines, on stdout
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/hex.h"

struct folder {
    const char *path;
    unsigned count;
    bool failed;
};

static void
write_file(const uint8_t *data, size_t size, void *arg)
{
    struct folder *const folder = arg;
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/kept-%04u", folder->path,
                   folder->count++);
    FILE *const file = fopen(path, "we");
    folder->failed = folder->failed || file == NULL ||
                     fwrite(data, 1, size, file) != size;
    if (file != NULL && fclose(file) != 0) {
        folder->failed = true;
    }
}

static void
write_line(const uint8_t *data, size_t size, void *arg)
{
    hex_write_line(arg, data, size);
}

static int
pack(char **paths)
{
    for (; *paths != NULL; paths++) {
        if (!hex_whole_file(*paths, write_line, stdout)) {
            perror(*paths);
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int
unpack(const char *file, const char *path)
{
    struct folder folder = {.path = path};

    if (!hex_each(file, write_file, &folder) || folder.failed) {
        perror(folder.failed ? path : file);
        return 1;
    }
    printf("%u inputs\n", folder.count);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "--pack") == 0) {
        return pack(argv + 2);
    }
    if (argc == 3) {
        return unpack(argv[1], argv[2]);
    }
    fprintf(stderr, "fuzz_pack FILE.hex FOLDER | fuzz_pack --pack FILE...\n");
    return 2;
}
