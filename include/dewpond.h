/* SPDX-License-Identifier: MIT */
/* The public interface of dewpond, and its manual. */
/*
 * IN A BREATH
 *
 * A dew_pool keeps sessions with one MySQL or MariaDB server open and lends
 * them to threads. dew_acquire lends one, dew_release takes it back, looks at
 * it, cleans it, and keeps it for the next borrower. What you get is a plain
 * MYSQL * that you use with the client library's own functions, and it is
 * yours alone until you give it back.
 *
 *     dew_config config = DEW_CONFIG_INIT;
 *     dew_pool *pool = NULL;
 *     dew_conn conn = DEW_CONN_INIT;
 *     dew_error error;
 *
 *     config.host = "127.0.0.1";
 *     config.user = "app";
 *     config.password = "secret";
 *     config.database = "shop";
 *     if (dew_pool_open(&pool, &config, &error) != DEW_OK) {
 *         fprintf(stderr, "open: %s\n", error.message);
 *         return 1;
 *     }
 *     if (dew_acquire(pool, 1000, &conn, &error) != DEW_OK) {
 *         fprintf(stderr, "acquire: %s\n", error.message);
 *     } else {
 *         if (mysql_query(conn.mysql, "INSERT INTO visits VALUES (1)") != 0) {
 *             fprintf(stderr, "insert: %s\n", mysql_error(conn.mysql));
 *         }
 *         dew_release(&conn);
 *     }
 *     dew_pool_close(pool, 5000, &error);
 *
 * CAVEATS
 *
 * - Do not call mysql_close on a borrowed handle. To end it: dew_discard. To
 *   keep it: dew_detach.
 * - Free every MYSQL_RES and close every MYSQL_STMT of a loan before you
 *   release it. An unbuffered result that is still open costs the session: a
 *   mysql_free_result that came late would read the next borrower's answer.
 *   Statements that are still open are cut off from the session; a late
 *   mysql_stmt_close stays harmless, any other use of them fails.
 * - dew_release sets conn->mysql to NULL, so that a use of it afterwards
 *   crashes at once. A copy of the MYSQL * that you made is beyond our reach.
 * - What a return cleans depends on `reset`: see RESET below. Nothing can
 *   undo what was committed, SET GLOBAL, or files that the server wrote.
 * - A statement that runs longer than read_timeout_ms is broken off by the
 *   client library with error 2013. Raise read_timeout_ms for long reports.
 * - LOAD DATA LOCAL INFILE is always off.
 * - The name of a host is looked up by the client library, and that cannot be
 *   interrupted: an opener may hang in it. Borrowers do not, they wait by
 *   their own clock (but see DEW_NO_THREADS).
 * - A URI has no field for the client library it was compiled with:
 *   dew_pool_open checks that, dew_pool_open_uri cannot.
 *
 * WHO OWNS WHAT
 *
 * A dew_conn is a value: keep it on the stack, hand it on, or put it in a
 * struct of yours. It names one loan by a number (`ticket`) that is never
 * used again in this process. Returning a loan twice, returning a copy of it,
 * returning it after somebody else has the session: all give DEW_ESTALE and
 * touch nothing. The strings of a dew_config are copied by the call that
 * takes it. A dew_error belongs to you; it holds no pointers.
 *
 * THREADS
 *
 * Every function may be called by any thread at any time, with one rule, that
 * of fclose: when dew_pool_close returns DEW_OK, nobody may still be about to
 * call, nor call later. Calls that wait or work in the pool when the close
 * begins are safe: it waits for them, and they are woken and end with
 * DEW_ECLOSED. A call that has begun but not reached the pool yet, because its
 * thread was kept off its CPU, is as bad as one that begins later, and nothing
 * in a pool that is gone can tell. So see to it that other threads are done
 * with the pool (join them, say) before you close it for good, or borrow by
 * name: dew_acquire_named needs no such order; it is safe against any close. A
 * dew_conn is used by one thread at a time and may move between threads; hand
 * it over with a lock, a queue, or whatever orders memory between the two.
 * A pool has threads of its own: one that hangs up and looks after what rests,
 * and up to connects_max that open sessions; for the whole process there is
 * one that cuts a socket whose time is up, and one that stops queries whose
 * dew_deadline has passed. The first starts with the pool, the others when
 * there is work for them, all with every signal blocked. DEW_NO_THREADS does
 * without the pool's own: borrowers open sessions themselves (the watchdog's
 * thread remains, where the client library needs it), and you call
 * dew_pool_tend.
 *
 * FORK
 *
 * A pool survives fork on both sides. The parent keeps its sessions. The child
 * must not use them, and does not: its first call builds new ones behind the
 * same dew_pool, with counters that begin at 0. If that call cannot, it gives
 * DEW_ENOMEM or DEW_ESYSTEM, whichever call it is; the next one tries again.
 * What was lent before the fork, by a pool or by dew_connect, is the parent's:
 * in the child its return gives DEW_ESTALE, and its MYSQL * must not be used
 * there (behind it is /dev/null). What dew_detach gave away is yours to handle.
 * A pool that closes is closing in the child, too; but if another thread was
 * inside dew_pool_close at the fork, the child must not use that pool. A child
 * that is forked inside a callback must not return from it. One of a bare
 * clone or of _Fork, where no handlers run, keeps its parent's sockets open
 * and is safe only if no other thread was inside this library.
 * Sockets are set close-on-exec right after the client library has made them;
 * an exec that another thread does in between inherits one.
 *
 * SIGNALS
 *
 * No function may be called from a signal handler. Signals that interrupt a
 * call do not end it. The client libraries ignore SIGPIPE for the whole process
 * when they start; a handler of yours is put back. If you set SIGPIPE to
 * SIG_DFL later, our own calls stay safe, your queries may not.
 *
 * ERRORS
 *
 * Functions return a dew_code; those that can fail for more than one reason
 * also take a dew_error, last, which may be NULL and is written only on
 * failure: the code, the stage it came from, the server's own errno, SQLSTATE
 * and text where there is one (mysql_errno 0: the server was not the reason),
 * the errno of a failed system call, and one sentence. No message holds a
 * password.
 *
 * RESET: what the next borrower finds
 *
 * DEW_RESET_AUTO     The session is as after connect: no transaction, locks,
 *   (default)        variables, temporary tables, prepared statements; the
 *                    database, character set, collation and autocommit of the
 *                    config; init_sql and on_connect have run again. Costs a
 *                    command that is sent at the return and whose answer is
 *                    read at the next borrow. A loan that sent nothing to the
 *                    server costs nothing and is not reset. The role is the
 *                    one as after connect, too: no server's reset touches what
 *                    SET ROLE has chosen, so the pool looks, and says SET ROLE
 *                    NONE (or DEFAULT). Where that does not lead back (with
 *                    MariaDB, an account that has a default role), or init_sql
 *                    has run with another one's role, the session is closed.
 *                    Not so behind a proxy or a server that knows no
 *                    CURRENT_ROLE(): there a role is missed.
 * DEW_RESET_ALWAYS   The same, and also after a loan that sent nothing.
 * DEW_RESET_ROLLBACK A transaction is rolled back; autocommit and the
 *                    multi-statement switch are put back. Misses: LOCK TABLES,
 *                    GET_LOCK, user variables, session variables (among them
 *                    sql_mode, time_zone and the isolation level), temporary
 *                    tables, USE, SET NAMES and mysql_set_character_set, SQL
 *                    PREPARE, HANDLER, LAST_INSERT_ID, SET ROLE. init_sql and
 *                    on_connect do not run again.
 * DEW_RESET_NEVER    Nothing is cleaned; you are trusted. Misses all of the
 *                    above, and transactions: one that you leave open goes on
 *                    under the next borrower, holds its locks while the
 *                    session rests, and takes the next borrower's writes
 *                    along when it is rolled back. autocommit stays as you
 *                    left it.
 * Under every policy a session is handed on only when its conversation is at
 * rest: unread results are drained within bounds or the session is closed, as
 * it is after a fatal error, a reply nobody read, an unbuffered result somebody
 * still owns, or (not under NEVER) mysql_change_user to another user. (One gap,
 * under NEVER only, whose returns make no system call: of two queries sent with
 * mysql_send_query and one answer read, the other answer is noticed only if the
 * client library has received it along with the first.) ROLLBACK and NEVER also
 * close a session with statements left open, which AUTO and ALWAYS clean.
 *
 * NUMBERS of a dew_config
 *
 * 0 always stands for the default. DEW_ZERO says literally zero and DEW_OFF
 * switches the feature off, where the table has a meaning for them; "-" is
 * DEW_EINVAL, as is any number outside of the range. Times are milliseconds;
 * 4294967293 of them are 49 days.
 *
 * field                    range         0 means  DEW_ZERO      DEW_OFF
 * ------------------------ ------------- -------- ------------- ------------
 * port                     1-65535       (1)      -             -
 * size                     1-65535       (2)      -             -
 * maxsize                  1-65535       (2)      -             -
 * pre_create               1-65535       0        none          -
 * waiters_max              1-1000000     (3)      never queue   no limit
 * connects_max             1-64          4        -             -
 * burst_after_ms           1-4294967293  100      at once       -
 * connect_timeout_ms       1-4294967293  5000     -             -
 * read_timeout_ms          1-4294967293  30000    -             -
 * write_timeout_ms         1-4294967293  30000    -             -
 * ping_timeout_ms          1-4294967293  500      -             -
 * bypass_ms                1-4294967293  500      always look   -
 * idle_timeout_ms          1-4294967293  600000   -             keep them
 * lifetime_ms              1-4294967293  1800000  -             no limit
 * lifetime_jitter_percent  1-50          10       no jitter     -
 * keepalive_ms             1-4294967293  120000   -             no probes
 * leak_after_ms            1-4294967293  DEW_OFF  -             no reports
 * slow_acquire_ms          1-4294967293  2000     -             no warnings
 * handoff_after_ms         1-4294967293  1        strict order  never
 * fail_fast_after_ms       1-4294967293  1000     at once       never
 * uses_max                 1-4294967293  DEW_OFF  -             no limit
 * buffer_max_kb            16-1048576    1024     -             no limit
 * kill_timeout_ms          1-4294967293  40       cut at once   -
 *
 * (1) the client library's own: my.cnf, or 3306.
 * (2) an unset maxsize is the larger of 100 and size; an unset size is the
 *     smaller of 10 and maxsize. size may not pass maxsize, nor pre_create
 *     size.
 * (3) eight times maxsize.
 *
 * WHAT A BURST OPENED beyond size is closed when it has rested for a tenth of
 * idle_timeout_ms, a few sessions at a time, as long as more than size are open.
 *
 * THE SERVER'S OWN LIMITS are read when a session is opened. A server hangs up
 * on who rests for wait_timeout (the session's own, as init_sql may set it): so
 * 45 s less than that, or half of it where it is less than 90 s, is the most
 * that idle_timeout_ms and keepalive_ms count as. With keepalive_ms off a
 * session is closed at that limit even down from pre_create, and another one is
 * opened. When the pools of this process may open more sessions with one server
 * than its max_connections, each of them says so once. on_log hears of both
 * (level 1), and of what the server is (level 2).
 *
 * A SERVER THAT STOPS TAKING WRITES, as after a failover, is noticed when a
 * loan comes back with error 1290, 1792 or 1836, else within seconds; the
 * server itself is asked. All sessions that could write when they were opened
 * are replaced then, once. As long as new ones cannot write either they are
 * replaced now and then, because the name of the host may lead to another
 * server by now; the first that can write again ends that. Where no session
 * could ever write nothing is replaced.
 */
#ifndef DEWPOND_H
#define DEWPOND_H

#include <stddef.h>
#include <stdint.h>

#include <mysql.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DEW_OFF UINT32_MAX           /* in a numeric field: switched off */
#define DEW_ZERO (UINT32_MAX - 1)    /* in a numeric field: literally zero */
#define DEW_NO_WAIT INT64_C(0)       /* as a timeout */
#define DEW_WAIT_FOREVER INT64_C(-1) /* as a timeout; so is any below zero */

/* dew_config.flags */
#define DEW_NO_THREADS 1u /* no threads of the pool's own: dew_pool_tend */
/* A thread that holds a loan of this pool gets DEW_EINVAL where it would have
 * to wait for a second one: threads that each hold one and wait for another
 * stop each other for ever. (Without the flag such a wait is counted as
 * nested_waits and logged, at most once a second.) Who borrowed a loan holds
 * it until it is back, even if it was handed on to another thread. */
#define DEW_REFUSE_NESTED 2u

typedef struct dew_pool dew_pool;

/* A borrowed session, held by value; all zero is "nothing borrowed". */
typedef struct dew_conn {
    MYSQL *mysql;    /* yours alone until release; NULL afterwards */
    dew_pool *pool;  /* NULL for a connection without a pool */
    uint64_t ticket; /* which loan this is; 0: none */
} dew_conn;
#define DEW_CONN_INIT                                                          \
    {                                                                          \
        NULL, NULL, 0                                                          \
    }

/*
 * GCC and Clang: `DEW_SCOPED dew_conn conn = DEW_CONN_INIT;` is released when
 * its scope ends, unless it was released, discarded or detached before.
 */
#if defined(__GNUC__)
#define DEW_SCOPED __attribute__((cleanup(dew_scope_end)))
#endif

typedef enum dew_code {
    DEW_OK = 0,
    DEW_EINVAL = -1,    /* an argument or a field; the message names it */
    DEW_ENOMEM = -2,    /* out of memory */
    DEW_ETIMEDOUT = -3, /* no session became free in time */
    DEW_ECLOSED = -4,   /* the pool is closing */
    DEW_ECONNECT = -5,  /* the server could not be reached or refused us */
    DEW_EFULL = -6,     /* waiters_max others are waiting already */
    DEW_ESTALE = -7,    /* this loan was returned before */
    DEW_ENOTFOUND = -8, /* no open pool has this name */
    DEW_EEXIST = -9,    /* an open pool has this name already */
    DEW_EBUSY = -10,    /* not now: call again */
    DEW_EQUERY = -11,   /* the server refused a statement */
    DEW_ESYSTEM = -12,  /* a system call failed: see os_errno */
    DEW_EABORTED = -13, /* a transaction's body refused */
    DEW_EUNKNOWN = -14  /* a COMMIT's answer was lost: it may have happened */
} dew_code;

/* Where a failure came from. */
typedef enum dew_stage {
    DEW_STAGE_NONE,
    DEW_STAGE_CONFIG,   /* reading a dew_config or a URI */
    DEW_STAGE_CONNECT,  /* opening a session, init_sql and on_connect too */
    DEW_STAGE_WAIT,     /* waiting for a session */
    DEW_STAGE_VALIDATE, /* looking whether a session is alive */
    DEW_STAGE_RESET,    /* cleaning a session */
    DEW_STAGE_QUERY     /* a statement of yours */
} dew_stage;

/* This struct and dew_conn never change. */
typedef struct dew_error {
    dew_code code;
    dew_stage stage;
    uint32_t mysql_errno; /* the server's or the client library's; 0: none */
    int32_t os_errno;     /* of a failed system call; 0: none */
    char sqlstate[6];     /* "" without one */
    char message[512];    /* one sentence, without a password */
} dew_error;

/* See RESET above. */
typedef enum dew_reset {
    DEW_RESET_AUTO,
    DEW_RESET_ALWAYS,
    DEW_RESET_ROLLBACK,
    DEW_RESET_NEVER
} dew_reset;

typedef enum dew_tls {
    DEW_TLS_DEFAULT,  /* what the client library does by itself */
    DEW_TLS_OFF,      /* never */
    DEW_TLS_REQUIRED, /* always; the server's certificate is not checked */
    DEW_TLS_VERIFY    /* always; certificate and host name are checked */
} dew_tls;

/*
 * The client library that you are compiled for: its flavour and version. A
 * MYSQL of one is not a MYSQL of the other, hence dew_pool_open compares it
 * with the library's own; flavour, major and minor version must agree.
 */
#if defined(MARIADB_PACKAGE_VERSION_ID)
#define DEW_CLIENT (UINT32_C(0x80000000) | (uint32_t)MARIADB_PACKAGE_VERSION_ID)
#else
#define DEW_CLIENT ((uint32_t)MYSQL_VERSION_ID)
#endif

/*
 * What a pool shall be. Start from DEW_CONFIG_INIT; set what you need; all
 * else is zero, which is the default. It grows at its end: a shorter struct of
 * an older header is taken (on_options and what follows may be missing), and
 * a longer one of a newer header as long as what we do not know is zero.
 * An empty string is as good as NULL, but in user, password and name.
 */
typedef struct dew_config {
    uint32_t struct_size;
    uint32_t client;       /* DEW_CLIENT */
    uint32_t flags;        /* DEW_NO_THREADS, DEW_REFUSE_NESTED */
    uint64_t client_flags; /* for mysql_real_connect: CLIENT_FOUND_ROWS, ...;
                            * refused: CLIENT_LOCAL_FILES, what the client
                            * library has not, and where they do nothing the
                            * two of TLS (see tls_mode). A reset takes what
                            * CLIENT_INTERACTIVE did to wait_timeout back */
    const char *name;      /* for dew_acquire_named, logs and the server's list
                            * of connections; 1 to 255 bytes; default
                            * "host-port-user-database", then -2, -3 ... */

    const char *host; /* default: this machine */
    const char *user;
    const char *password;
    const char *database;    /* default: none */
    const char *unix_socket; /* instead of a host other than "localhost" */
    const char *charset;     /* default "utf8mb4" */
    const char *init_sql;    /* runs after connect and after every reset */
    const char *defaults_file, *defaults_group; /* of a my.cnf to read */
    const char *tls_ca, *tls_cert, *tls_key;    /* PEM files */
    uint32_t tls_mode;                          /* enum dew_tls */
    uint32_t port;

    uint32_t size;         /* sessions that are opened as they are needed */
    uint32_t maxsize;      /* and never more than these: from size on only
                            * after a borrower has waited burst_after_ms */
    uint32_t pre_create;   /* opened before dew_pool_open returns, and kept */
    uint32_t waiters_max;  /* borrowers that may wait; the rest: DEW_EFULL */
    uint32_t connects_max; /* connects at the same time */

    uint32_t burst_after_ms;     /* see maxsize */
    uint32_t connect_timeout_ms; /* for all of it, TLS and login included */
    uint32_t read_timeout_ms;    /* for one answer of the server; the client
                                  * library counts in whole seconds, up */
    uint32_t write_timeout_ms;   /* as read_timeout_ms */
    uint32_t ping_timeout_ms;    /* for a probe or a reset's answer */
    uint32_t bypass_ms;          /* rested less: not looked at when lent */

    uint32_t idle_timeout_ms; /* rested longer: closed, down to pre_create; a
                                 tenth of it is enough down to size */
    uint32_t lifetime_ms;     /* older: replaced when it is next free */
    uint32_t lifetime_jitter_percent; /* the lifetime is up to this shorter */
    uint32_t keepalive_ms;            /* rested longer: probed */
    uint32_t leak_after_ms;      /* lent longer: logged once with file, line
                                  * and thread, up to 2 s late */
    uint32_t slow_acquire_ms;    /* waited longer: logged, at most once a
                                  * second */
    uint32_t handoff_after_ms;   /* waited longer: served in order, two at a
                                  * time, and by every return when half as
                                  * long again; until then whoever runs may
                                  * be faster */
    uint32_t fail_fast_after_ms; /* connects failed for longer: who would have
                                  * to wait for one fails at once */
    uint32_t uses_max;           /* loans of one session, then replaced */
    uint32_t buffer_max_kb;      /* a session that grew more is replaced */

    dew_reset reset;
    uint32_t autocommit; /* 0 and 1: on; DEW_OFF: off */

    /*
     * Callbacks run on a thread of the pool or of a borrower, several at once,
     * never under a lock. They must not call this pool (DEW_EINVAL), also not
     * out of a callback of another pool that they called; dew_stats_read,
     * dew_pool_check and dew_foreach_loan they may.
     *
     * on_options: before connect, for mysql_options calls of your own. What
     * MYSQL_INIT_COMMAND says runs at the connect, but not after a reset, and
     * under AUTO and ALWAYS there is one before the first loan (a warning
     * tells): use init_sql.
     * on_connect: after connect and after every reset that was sent; prefer
     * init_sql, which costs no round trip of its own. Non-zero from either
     * refuses the session (DEW_ECONNECT).
     * on_log: one line; level 0 error, 1 warning, 2 information, 3 debugging.
     */
    int (*on_options)(MYSQL *mysql, void *arg);
    void *on_options_arg;
    int (*on_connect)(MYSQL *mysql, void *arg);
    void *on_connect_arg;
    void (*on_log)(int level, const char *line, void *arg);
    void *on_log_arg;

    uint32_t kill_timeout_ms; /* for the KILL QUERY of a dew_deadline; raise it
                               * for a server that is far away */
} dew_config;

#ifdef __cplusplus
#define DEW_CONFIG_INIT dew_config_made()
#else
#define DEW_CONFIG_INIT                                                        \
    {                                                                          \
        .struct_size = (uint32_t)sizeof(dew_config), .client = DEW_CLIENT      \
    }
#endif

/* Set struct_size to sizeof(dew_stats) before you ask. It grows at its end;
 * what the library that runs does not know yet is left as it is. */
typedef struct dew_stats {
    uint32_t struct_size;
    /* now */
    uint32_t conns_open; /* every live session that is not being opened */
    uint32_t conns_idle;
    uint32_t conns_leased;
    uint32_t conns_opening;
    uint32_t waiters; /* also those who wait for a connect */
    /* since open */
    uint64_t acquires; /* loans that were given */
    uint64_t waits;    /* of these, or of those that failed: had to wait */
    uint64_t timeouts; /* DEW_ETIMEDOUT */
    uint64_t connects; /* that succeeded */
    uint64_t connect_failures;
    uint64_t resets;
    uint64_t rollbacks;
    uint64_t pings;
    uint64_t stale_returns;    /* DEW_ESTALE, but for a dew_conn that is zero */
    uint64_t retired_lifetime; /* lifetime_ms or uses_max */
    uint64_t retired_idle;     /* idle_timeout_ms */
    uint64_t retired_broken;   /* dead, not provably at rest, or not clean */
    uint64_t retired_refresh;  /* older than a refresh or new credentials */
    uint64_t retired_shrink;   /* above what the pool may hold */
    uint64_t discarded;
    uint64_t detached;
    uint64_t leaks; /* loans that passed leak_after_ms */
    /* microseconds; the percentiles are those of buckets, rounded up */
    uint64_t wait_us_p50, wait_us_p99, wait_us_max; /* for those who waited */
    uint64_t hold_us_p50, hold_us_p99, hold_us_max; /* of sampled loans */
    uint64_t nested_waits; /* borrows that had to wait, or were refused with
                            * DEW_REFUSE_NESTED, while their thread held a
                            * loan of the pool */
} dew_stats;

/*
 * Does     Sets struct_size and client and zeroes the rest. For programs in C
 *          and C++ DEW_CONFIG_INIT does the same. The function itself, without
 *          the macro of its name, assumes that its caller's client library is
 *          ours: for bindings that have no mysql.h.
 * Returns  Nothing. A NULL config, or a size that no version has, is left
 *          alone.
 * Blocks   Never.
 * Threads  Any.
 * Owns     Nothing.
 */
void dew_config_init(dew_config *config, uint32_t struct_size);
#define dew_config_init(config, struct_size)                                   \
    dew_config_init_here((config), (struct_size))

/*
 * Does     Checks the config, makes the pool, opens pre_create sessions in
 *          parallel. With pre_create 0 it does not talk to the server.
 * Returns  DEW_OK; DEW_EINVAL a field (named, with value and range), a
 *          mismatch of client libraries or struct_size, a NULL argument;
 *          DEW_ECONNECT with the server's own error if one of pre_create was
 *          refused; DEW_EEXIST an open pool has the name that was asked for;
 *          DEW_ENOMEM; DEW_ESYSTEM.
 * Blocks   For pre_create, at most about connect_timeout_ms.
 * Threads  Any.
 * Owns     *pool is yours until dew_pool_close returns DEW_OK; NULL on
 *          failure. The config and its strings stay yours and may go.
 */
dew_code dew_pool_open(dew_pool **pool, const dew_config *config,
                       dew_error *error);

/*
 * Does     The same from mysql://user:password@host:port/database?key=value.
 *          Keys are the numeric and textual fields of dew_config by their
 *          names, and `socket` for unix_socket; numbers are plain or `zero`
 *          or `off` (0 means zero here); tls_mode is default, off, required
 *          or verify; reset is auto, always, rollback or never; autocommit,
 *          no_threads and refuse_nested are on or off; client_flags is a list
 *          with commas of found_rows, compress, ignore_space, interactive,
 *          multi_statements and multi_results. An IPv6 address stands in
 *          brackets. Every part is percent-decoded; in user, password,
 *          database and options write @ / ? # & % as %40 %2F %3F %23 %26 %25.
 * Returns  As dew_pool_open; DEW_EINVAL names the part or key that is wrong.
 * Blocks   As dew_pool_open.
 * Threads  Any.
 * Owns     As dew_pool_open. The URI stays yours; our copy is wiped.
 */
dew_code dew_pool_open_uri(dew_pool **pool, const char *uri, dew_error *error);

/*
 * Does     Refuses new borrowers, wakes those who wait with DEW_ECLOSED, waits
 *          up to grace_ms for loans to come back, says goodbye to the server,
 *          ends the threads, frees everything.
 * Returns  DEW_OK: the pool is gone. DEW_EBUSY: loans are still out, a connect
 *          hangs in name lookup, or another thread closes this pool right now;
 *          the pool stays closing, call again (dew_pool_abort helps with the
 *          first). DEW_EINVAL: pool is NULL, or the caller is a callback of
 *          this pool or of dew_foreach_loan.
 * Blocks   Up to grace_ms (DEW_NO_WAIT, DEW_WAIT_FOREVER) for loans, and at
 *          most 5 s for connects and goodbyes that are under way.
 * Threads  Any; see THREADS. The use of a loan after DEW_OK is undefined.
 * Owns     Takes the pool with DEW_OK, and only then.
 */
dew_code dew_pool_close(dew_pool *pool, int64_t grace_ms, dew_error *error);

/*
 * Does     Lends a session: an idle one, else a new one if there is room, else
 *          the next that comes back. It is alive and clean as far as that can
 *          be known. As a macro it notes file and line for leak reports.
 * Returns  DEW_OK. DEW_ETIMEDOUT: none came free in time, or the pool is
 *          suspended; with DEW_NO_WAIT: none is idle (one is ordered all the
 *          same if there is room, but not with DEW_NO_THREADS).
 *          DEW_EFULL: none is idle (one is ordered, as above) and waiters_max
 *          are waiting already, or nobody may. DEW_ECONNECT: sessions
 *          cannot be opened, with the server's own error; also when the time
 *          is up while connects fail. DEW_ECLOSED: the pool is closing.
 *          DEW_EINVAL: a NULL argument, a call from a callback of the pool, or
 *          a wait that DEW_REFUSE_NESTED forbids. DEW_ENOMEM; DEW_ESYSTEM.
 * Blocks   Up to timeout_ms; in another thread's connect never. With
 *          DEW_NO_THREADS it connects itself, bounded by the same time, but
 *          for name lookup.
 * Threads  Any.
 * Owns     *conn is a loan until dew_release, dew_discard or dew_detach.
 *          *conn is not read, and is zero on failure. `file` is not copied:
 *          a literal, or something else that outlives the pool.
 */
dew_code dew_acquire(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
                     dew_error *error);
dew_code dew_acquire_at(dew_pool *pool, int64_t timeout_ms, dew_conn *conn,
                        dew_error *error, const char *file, int line);
#define dew_acquire(pool, timeout_ms, conn, error)                             \
    dew_acquire_at((pool), (timeout_ms), (conn), (error), __FILE__, __LINE__)

/*
 * Does     As dew_acquire, from the open pool of this name.
 * Returns  As dew_acquire, and DEW_ENOTFOUND: no open pool has this name.
 * Blocks   As dew_acquire.
 * Threads  Any, and beside any dew_pool_close.
 * Owns     As dew_acquire.
 */
dew_code dew_acquire_named(const char *name, int64_t timeout_ms, dew_conn *conn,
                           dew_error *error);
dew_code dew_acquire_named_at(const char *name, int64_t timeout_ms,
                              dew_conn *conn, dew_error *error,
                              const char *file, int line);
#define dew_acquire_named(name, timeout_ms, conn, error)                       \
    dew_acquire_named_at((name), (timeout_ms), (conn), (error), __FILE__,      \
                         __LINE__)

/*
 * Does     Takes a loan back: looks at it, sends the clean-up, and lends it to
 *          who waits or lets it rest. A connection without a pool is closed.
 * Returns  DEW_OK. DEW_ESTALE: this loan was returned before, or the dew_conn
 *          is zero, or its process is the parent of this one; nothing was
 *          touched. DEW_EINVAL: conn is NULL, or a callback of the pool calls
 *          (the loan stays as it is).
 * Blocks   Never on the server, except to drain what you left unread, within
 *          bounds; nor for other threads. (MySQL's client library before 8.4
 *          cannot send a reset without waiting for its answer: there up to
 *          ping_timeout_ms.)
 * Threads  Any, also another than the one that acquired.
 * Owns     *conn is zeroed either way.
 */
dew_code dew_release(dew_conn *conn);

/*
 * Does     Takes a loan back and closes the session instead of lending it
 *          again. For a session that you no longer trust.
 * Returns  As dew_release.
 * Blocks   Never: closing is left to the pool's threads.
 * Threads  As dew_release.
 * Owns     *conn is zeroed either way.
 */
dew_code dew_discard(dew_conn *conn);

/*
 * Does     Takes the session out of the pool, whose place is free again.
 * Returns  The handle, as it is, or NULL for a dew_conn that dew_release
 *          would refuse.
 * Blocks   Never.
 * Threads  As dew_release.
 * Owns     The handle is yours: end it with mysql_close. It may outlive the
 *          pool. *conn is zeroed either way. Where a dew_deadline of the loan
 *          may just have passed, disarm it first: a KILL that is on its way
 *          stops the next query on the handle, or its socket is cut.
 */
MYSQL *dew_detach(dew_conn *conn);

/*
 * Does     Opens one connection without a pool, by the same config; what it
 *          says of pools does not matter. dew_release closes it; where a
 *          dew_deadline of it has just passed, dew_release, dew_discard and
 *          dew_detach wait until the server has answered its KILL, up to
 *          ping_timeout_ms.
 * Returns  DEW_OK; DEW_EINVAL as dew_pool_open; DEW_ECONNECT with the server's
 *          own error; DEW_ENOMEM; DEW_ESYSTEM.
 * Blocks   Up to connect_timeout_ms, and for name lookup.
 * Threads  Any.
 * Owns     As dew_acquire.
 */
dew_code dew_connect(const dew_config *config, dew_conn *conn,
                     dew_error *error);

/*
 * Does     Asks the server of a loan for a sign of life. The session must be
 *          at rest: no result half read.
 * Returns  DEW_OK. DEW_ECONNECT: no answer, the session is dead; discard it.
 *          DEW_EQUERY: it is not at rest; read or free your results first.
 *          DEW_ESYSTEM: it was not asked, for want of a timer (libmysqlclient).
 *          DEW_ESTALE: no loan. DEW_EINVAL: conn is NULL, or a callback of the
 *          pool calls.
 * Blocks   Up to ping_timeout_ms.
 * Threads  The one that uses the loan.
 * Owns     Nothing: the loan stays yours, also on failure.
 */
dew_code dew_ping(dew_conn *conn, dew_error *error);

/*
 * Does     Stops what runs on this loan when `ms` milliseconds are over: KILL
 *          QUERY goes out over a side session, and your call on the handle
 *          returns with the server's error (1317, say). If the server does not
 *          confirm that within kill_timeout_ms, the socket is cut and your
 *          call returns 2013 at once, whatever the server does: the deadline
 *          is late by kill_timeout_ms at most. The KILL itself goes on for up
 *          to ping_timeout_ms; without it the server finishes the query. If it
 *          confirms and goes on all the same, it is asked, as long after that,
 *          whether this session rests or runs a later query; if it does not
 *          say so within as long again, the socket is cut. A new deadline
 *          replaces the old one; ms < 0 disarms. The end of the loan
 *          disarms too. A session that a KILL may still reach is not lent
 *          again. A deadline passes once: what begins after it, or after the
 *          KILL found nothing to stop, has no bound until you set a new one
 *          (behind a proxy with a list of threads of its own: disarm it first;
 *          MySQL's servers tell whole seconds, so there what begins within
 *          one second of it, and is long, is cut, too).
 * Returns  DEW_OK. DEW_ECONNECT: the deadline before this one had passed and
 *          the session was cut; release it. DEW_ESTALE: no loan. DEW_EINVAL:
 *          conn is NULL, or the pool was opened with DEW_NO_THREADS.
 *          DEW_ENOMEM. DEW_ESYSTEM: no thread or no descriptor.
 * Blocks   Not to arm. To disarm or replace one that has just passed: until
 *          the KILL is confirmed, at most a second.
 * Threads  The one that uses the loan, before it starts the query.
 * Owns     Nothing.
 */
dew_code dew_deadline(dew_conn *conn, int64_t ms, dew_error *error);

/*
 * Does     Logs new sessions in as another user. Those opened before are
 *          replaced when they are next free; loans are not cut.
 * Returns  DEW_OK; DEW_EINVAL pool is NULL, or a callback of it calls;
 *          DEW_ENOMEM; DEW_ECLOSED the pool is closing. The credentials are
 *          not tried here.
 * Blocks   Never on the server.
 * Threads  Any.
 * Owns     Both strings are copied; NULL is none.
 */
dew_code dew_pool_set_credentials(dew_pool *pool, const char *user,
                                  const char *password, dew_error *error);

/*
 * Does     Changes how many sessions there may be: both numbers as in a
 *          dew_config (0: the default), and waiters_max with them unless it
 *          was given. Who waits is served at once if there is room now. When
 *          there are too many, orders are taken back, connects that are under
 *          way are closed when they arrive, loans when they come back, and
 *          those that rest soon, some at a time; no loan is cut.
 * Returns  DEW_OK. DEW_EINVAL: a number that is not allowed or fits not the
 *          other or pre_create, NULL, or a callback of the pool. DEW_ENOMEM:
 *          nothing has changed. DEW_ECLOSED: the pool is closing.
 * Blocks   Never on the server; for other resizes, and as dew_pool_suspend.
 * Threads  Any. With DEW_NO_THREADS dew_pool_tend closes those that rest.
 * Owns     Nothing.
 */
dew_code dew_pool_resize(dew_pool *pool, uint32_t size, uint32_t maxsize,
                         dew_error *error);

/*
 * Does     Replaces every session that was opened before now: those that rest
 *          soon, some at a time, loans when they come back, connects that are
 *          under way when they arrive. pre_create is filled up again. A server
 *          that failed is tried at once. For one that was moved or changed.
 * Returns  Nothing. NULL, or a callback of the pool: nothing happens.
 * Blocks   Never on the server.
 * Threads  Any. With DEW_NO_THREADS dew_pool_tend replaces those that rest.
 * Owns     Nothing.
 */
void dew_pool_refresh(dew_pool *pool);

/*
 * Does     suspend: lends nothing from its return on. Borrowers wait, and get
 *          DEW_ETIMEDOUT when their time is up (with DEW_NO_WAIT at once).
 *          Loans that are out go on and may come back; sessions are still
 *          opened, probed and replaced.
 *          resume: lends again, first to those who wait. It does not count:
 *          one resume ends any number of suspends. dew_pool_close works on a
 *          suspended pool; who waits gets DEW_ECLOSED.
 * Returns  Nothing. NULL, or a callback of the pool: nothing happens.
 * Blocks   Never on the server. suspend waits until all who are just being
 *          lent a session have it, which is no network's time: microseconds,
 *          or until each of them was on a CPU once.
 * Threads  Any.
 * Owns     Nothing.
 */
void dew_pool_suspend(dew_pool *pool);
void dew_pool_resume(dew_pool *pool);

/*
 * Does     While the pool is closing: shuts down the sockets of the loans that
 *          are still out. Who talks on one gets an error from the client
 *          library, and releases it as always. Before dew_pool_close: nothing.
 * Returns  Nothing.
 * Blocks   Never on the server.
 * Threads  Any.
 * Owns     Nothing: the loans stay their borrowers'.
 */
void dew_pool_abort(dew_pool *pool);

/*
 * Does     With DEW_NO_THREADS the work that is due: retiring, probing,
 *          opening up to pre_create. Call it from a timer of your own.
 * Returns  Milliseconds until there is more to do, INT64_MAX when nothing is
 *          planned; -1 for a pool that has its threads, for NULL, for a
 *          callback of the pool, and in a forked child without memory.
 * Blocks   On the server, for each step at most ping_timeout_ms or, to open a
 *          session, connect_timeout_ms.
 * Threads  Any; a second caller at the same time does nothing.
 * Owns     Nothing.
 */
int64_t dew_pool_tend(dew_pool *pool);

/*
 * Does     Fills in as many fields as stats->struct_size has room for.
 * Returns  Nothing.
 * Blocks   Never. It reads while others count: each number is right, two of
 *          them need not be of the same moment.
 * Threads  Any.
 * Owns     Nothing.
 */
void dew_stats_read(const dew_pool *pool, dew_stats *stats);

/*
 * Does     Checks what must hold at every moment: no session in two places,
 *          none too many, no lost wake-up. For tests and doubts.
 * Returns  DEW_OK. DEW_EBUSY: too much moved to tell; call again. DEW_ESYSTEM:
 *          something does not hold; the message says what. DEW_EINVAL: pool
 *          is NULL.
 * Blocks   Never; takes time with the number of sessions.
 * Threads  Any, under any load.
 * Owns     Nothing.
 */
dew_code dew_pool_check(const dew_pool *pool, dew_error *error);

/* A loan that is out, as dew_foreach_loan tells it. It grows at its end. */
typedef struct dew_loan {
    const char *file; /* where it was borrowed; NULL: by the function, not the
                       * macro */
    int line;
    uint64_t thread_id;   /* who borrowed it, by the kernel's number; another
                           * thread may hold it by now */
    char thread_name[16]; /* of the thread that has this number now; "": none
                           * has, or /proc cannot be read */
    unsigned long server_thread_id; /* its CONNECTION_ID() on the server */
    int64_t age_ms; /* since it was lent; up to 10 ms too many or too few */
} dew_loan;

/*
 * Does     Calls each(loan, arg) for every loan of the pool that is out, until
 *          it returns something else than 0. Loans that begin or end meanwhile
 *          are told or not; what is told of one loan belongs to that loan.
 *          Nothing is told if an argument but `arg` is NULL.
 * Returns  Nothing.
 * Blocks   Never. `each` runs on the caller's thread with no lock held: it may
 *          call anything, also dew_release of the very loan, with one
 *          exception: dew_pool_close of this pool gives it DEW_EINVAL. (A close
 *          in another thread waits for it.) It must return.
 * Threads  Any, under any load, also while the pool is closing; also callbacks
 *          of the pool.
 * Owns     *loan is gone when `each` returns. loan->file is the text that was
 *          given to dew_acquire, not a copy: where a module that borrows may
 *          be unloaded, unload it after such calls, not during one.
 */
void dew_foreach_loan(const dew_pool *pool,
                      int (*each)(const dew_loan *loan, void *arg), void *arg);

/*
 * Does     Names a code ("DEW_ETIMEDOUT"), a stage ("wait"), and the version
 *          of the library that runs ("0.1.0").
 * Returns  A text, never NULL, also for numbers that have no name.
 * Blocks   Never.
 * Threads  Any.
 * Owns     The texts are constant.
 */
const char *dew_code_name(dew_code code);
const char *dew_stage_name(dew_stage stage);
const char *dew_version(void);

/* What the macros above expand to; not to be called by name. */
static inline void
dew_scope_end(dew_conn *conn)
{
    if (conn->ticket != 0) {
        (void)dew_release(conn);
    }
}

static inline void
dew_config_init_here(dew_config *config, uint32_t struct_size)
{
    (dew_config_init)(config, struct_size);
    if (config != NULL && struct_size >= offsetof(dew_config, flags)) {
        config->client = DEW_CLIENT;
    }
}

#ifdef __cplusplus
static inline dew_config
dew_config_made(void)
{
    dew_config config;

    dew_config_init_here(&config, static_cast<uint32_t>(sizeof config));
    return config;
}
}
#endif

#endif
