/* SPDX-License-Identifier: MIT */
/* Eight threads share three sessions: each borrows, adds, returns. */
#include <dewpond.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 25 };

struct job {
    pthread_t thread;
    dew_pool *pool;
    int number;
    int done;
};

static int
ask_sum(MYSQL *mysql, int a, int b)
{
    char sql[64];
    int sum = -1;
    snprintf(sql, sizeof sql, "SELECT %d + %d", a, b);
    if (mysql_query(mysql, sql) != 0) {
        return -1;
    }
    MYSQL_RES *const result = mysql_store_result(mysql);
    if (result != NULL) {
        const MYSQL_ROW row = mysql_fetch_row(result);
        if (row != NULL && row[0] != NULL) {
            sum = atoi(row[0]);
        }
        mysql_free_result(result);
    }
    return sum;
}

static void *
work(void *argument)
{
    struct job *const job = argument;
    for (int i = 0; i < ROUNDS; i++) {
        dew_conn conn = DEW_CONN_INIT;
        dew_error error;
        if (dew_acquire(job->pool, 5000, &conn, &error) != DEW_OK) {
            fprintf(stderr, "thread %d: %s\n", job->number, error.message);
            return NULL;
        }
        job->done += ask_sum(conn.mysql, job->number, i) == job->number + i;
        dew_release(&conn);
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    struct job jobs[THREADS];
    dew_pool *pool = NULL;
    dew_error error = {.message = "usage: pooled_threads URI"};
    char uri[1024];
    if (argc == 2) {
        /* The sizes can stand in the URI as well as in a dew_config. */
        snprintf(uri, sizeof uri, "%s%csize=3&maxsize=3", argv[1],
                 strchr(argv[1], '?') == NULL ? '?' : '&');
    }
    if (argc != 2 || dew_pool_open_uri(&pool, uri, &error) != DEW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int started = 0;
    for (; started < THREADS; started++) {
        struct job *const job = &jobs[started];
        *job = (struct job){.pool = pool, .number = started};
        if (pthread_create(&job->thread, NULL, work, job) != 0) {
            break;
        }
    }
    int right = 0;
    for (int i = 0; i < started; i++) {
        pthread_join(jobs[i].thread, NULL);
        right += jobs[i].done;
    }
    dew_stats stats = {.struct_size = (uint32_t)sizeof stats};
    dew_stats_read(pool, &stats);
    printf("%d of %d answers right, on %u sessions\n", right, THREADS * ROUNDS,
           (unsigned)stats.connects);
    const int closed = dew_pool_close(pool, 5000, &error) == DEW_OK;
    return closed && right == THREADS * ROUNDS ? 0 : 1;
}
