/* SPDX-License-Identifier: MIT */
/* What one writes first: a stack of sessions under a mutex, and a condvar. */
#ifndef DEWPOND_BENCH_RIVALS_MUTEX_LIFO_H
#define DEWPOND_BENCH_RIVALS_MUTEX_LIFO_H

#include <pthread.h>
#include <vector>

namespace bench {

class MutexLifo
{
public:
    struct Loan {
        unsigned index = 0;
    };

    explicit MutexLifo(unsigned sessions)
    {
        for (unsigned i = 0; i < sessions; i++) {
            idle_.push_back(i);
        }
    }

    void
    acquire(Loan &loan)
    {
        pthread_mutex_lock(&lock_);
        while (idle_.empty()) {
            waiting_++;
            pthread_cond_wait(&returned_, &lock_);
            waiting_--;
        }
        loan.index = idle_.back();
        idle_.pop_back();
        pthread_mutex_unlock(&lock_);
    }

    void
    release(Loan &loan)
    {
        pthread_mutex_lock(&lock_);
        idle_.push_back(loan.index);
        const bool somebody_waits = waiting_ > 0;
        pthread_mutex_unlock(&lock_);
        /* The kindest form: no call into the kernel if nobody waits. */
        if (somebody_waits) {
            pthread_cond_signal(&returned_);
        }
    }

private:
    pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t returned_ = PTHREAD_COND_INITIALIZER;
    std::vector<unsigned> idle_;
    unsigned waiting_ = 0;
};

} // namespace bench

#endif
