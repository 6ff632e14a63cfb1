/* SPDX-License-Identifier: MIT */
/* SOCI's pool and its MySQL sessions, asked through SOCI. */
#ifndef DEWPOND_BENCH_RIVALS_SOCI_SERVER_H
#define DEWPOND_BENCH_RIVALS_SOCI_SERVER_H

#include <cstdlib>
#include <soci/mysql/soci-mysql.h>
#include <soci/soci.h>
#include <string>

#include "lib/target.h"

namespace bench {

class SociServer
{
public:
    struct Loan {
        std::size_t position = 0;
    };

    SociServer(Way way, unsigned sessions) : pool_(sessions)
    {
        const Target &t = target();
        const std::string where =
            way == Way::tcp
                ? "host=" + t.host + " port=" + std::to_string(t.port)
                : "unix_socket=" + quoted(t.socket);
        for (unsigned i = 0; i < sessions; i++) {
            pool_.at(i).open(soci::mysql,
                             where + " db=" + quoted(t.database) + " user=" +
                                 quoted(t.user) + " password=" +
                                 quoted(t.password));
        }
    }

    void acquire(Loan &loan) { loan.position = pool_.lease(); }

    void
    use(Loan &loan)
    {
        int one = 0;
        pool_.at(loan.position) << question, soci::into(one);
        if (one != 1) {
            abort();
        }
    }

    void release(Loan &loan) { pool_.give_back(loan.position); }

private:
    static std::string
    quoted(const std::string &text)
    {
        std::string out = "'";
        for (const char byte : text) {
            out += byte == '\'' || byte == '\\' ? "\\" : "";
            out += byte;
        }
        return out + "'";
    }

    soci::connection_pool pool_;
};

} // namespace bench

#endif
