/* SPDX-License-Identifier: MIT */
/* APR's apr_reslist: a ring under a mutex, a condvar; a return locks twice. */
#ifndef DEWPOND_BENCH_RIVALS_APR_H
#define DEWPOND_BENCH_RIVALS_APR_H

#include <apr_general.h>
#include <apr_reslist.h>

namespace bench {

class AprReslist
{
public:
    struct Loan {
        void *resource = nullptr;
    };

    explicit AprReslist(unsigned sessions)
    {
        static const apr_status_t ready = apr_initialize();
        (void)ready;
        apr_pool_create(&memory_, nullptr);
        const int all = static_cast<int>(sessions);
        apr_reslist_create(&list_, all, all, all, 0, make, unmake, nullptr,
                           memory_);
    }

    AprReslist(const AprReslist &) = delete;
    AprReslist &operator=(const AprReslist &) = delete;

    ~AprReslist() { apr_pool_destroy(memory_); }

    void
    acquire(Loan &loan)
    {
        while (apr_reslist_acquire(list_, &loan.resource) != APR_SUCCESS) {
        }
    }

    void
    release(Loan &loan)
    {
        apr_reslist_release(list_, loan.resource);
    }

private:
    static apr_status_t
    make(void **resource, void *, apr_pool_t *memory)
    {
        *resource = apr_palloc(memory, 128);
        return APR_SUCCESS;
    }

    static apr_status_t
    unmake(void *, void *, apr_pool_t *)
    {
        return APR_SUCCESS;
    }

    apr_pool_t *memory_ = nullptr;
    apr_reslist_t *list_ = nullptr;
};

} // namespace bench

#endif
