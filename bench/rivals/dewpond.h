/* SPDX-License-Identifier: MIT */
/* dewpond itself, as it is shipped: sessions of the stand-in, nothing else. */
#ifndef DEWPOND_BENCH_RIVALS_DEWPOND_H
#define DEWPOND_BENCH_RIVALS_DEWPOND_H

#include <cstdio>
#include <cstdlib>
#include <dewpond.h>

#include "lib/standin.h"

namespace bench {

inline void
insist(dew_code code, const dew_error &error, const char *what)
{
    if (code != DEW_OK) {
        fprintf(stderr, "dewpond: %s: %s\n", what, error.message);
        exit(1);
    }
}

inline dew_config
standin_config(unsigned sessions)
{
    dew_config config;
    dew_config_init(&config, sizeof config);
    config.unix_socket = standin_socket();
    config.user = "app";
    config.size = config.maxsize = config.pre_create = sessions;
    config.reset = DEW_RESET_NEVER;
    config.waiters_max = 65535;
    /* Patience, where thousands connect to a busy machine. */
    config.connect_timeout_ms = 60000;
    return config;
}

class Dewpond
{
public:
    static constexpr bool is_counted = true;
    struct Loan {
        dew_conn conn = DEW_CONN_INIT;
    };

    explicit Dewpond(unsigned sessions) : Dewpond(standin_config(sessions))
    {
    }

    explicit Dewpond(const dew_config &config)
    {
        dew_error error;
        insist(dew_pool_open(&pool_, &config, &error), error, "open");
    }

    Dewpond(const Dewpond &) = delete;
    Dewpond &operator=(const Dewpond &) = delete;

    ~Dewpond()
    {
        dew_error error;
        insist(dew_pool_close(pool_, 10000, &error), error, "close");
    }

    void
    acquire(Loan &loan)
    {
        dew_error error;
        const dew_code code =
            dew_acquire(pool_, DEW_WAIT_FOREVER, &loan.conn, &error);
        if (__builtin_expect(code != DEW_OK, 0)) {
            insist(code, error, "acquire");
        }
    }

    void
    release(Loan &loan)
    {
        dew_release(&loan.conn);
    }

    dew_pool *pool() const { return pool_; }

private:
    dew_pool *pool_ = nullptr;
};

} // namespace bench

#endif
