/* SPDX-License-Identifier: MIT */
/* Times in ticks, kept in 16 buckets per power of two: one writer, no lock. */
#ifndef DEWPOND_BENCH_HISTOGRAM_H
#define DEWPOND_BENCH_HISTOGRAM_H

#include <algorithm>
#include <array>
#include <cstdint>

namespace bench {

class Histogram
{
public:
    void
    add(uint64_t value)
    {
        buckets_[index_of(value)]++;
        max_ = std::max(max_, value);
        count_++;
    }

    void
    add(const Histogram &other)
    {
        for (unsigned i = 0; i < buckets_.size(); i++) {
            buckets_[i] += other.buckets_[i];
        }
        max_ = std::max(max_, other.max_);
        count_ += other.count_;
    }

    /* The middle of the bucket that holds this share of the values. */
    double
    quantile(double share) const
    {
        const double wanted = share * static_cast<double>(count_);
        uint64_t seen = 0;
        for (unsigned i = 0; i < buckets_.size(); i++) {
            seen += buckets_[i];
            if (seen > 0 && static_cast<double>(seen) >= wanted) {
                return std::min(middle_of(i), static_cast<double>(max_));
            }
        }
        return 0;
    }

    uint64_t max() const { return max_; }
    uint64_t count() const { return count_; }

private:
    static unsigned
    index_of(uint64_t value)
    {
        if (value < 16) {
            return static_cast<unsigned>(value);
        }
        const unsigned power = 63u - static_cast<unsigned>(
                                         __builtin_clzll(value));
        return (power - 3) * 16 +
               static_cast<unsigned>((value >> (power - 4)) & 15);
    }

    static double
    middle_of(unsigned index)
    {
        if (index < 16) {
            return index;
        }
        const unsigned power = index / 16 + 3;
        return (16.5 + index % 16) * static_cast<double>(1ull << (power - 4));
    }

    std::array<uint64_t, 61 * 16> buckets_{};
    uint64_t max_ = 0, count_ = 0;
};

} // namespace bench

#endif
