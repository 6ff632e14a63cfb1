/* SPDX-License-Identifier: MIT */
/* Where sessions without work connect to: a server of ours that only listens. */
/*
 * The pool, its session layer and the client library are the real ones; only
 * the server is the scripted one of the tests, in a process of its own. While
 * nothing is asked of it, it sleeps in read(2): a loan that sends nothing costs
 * exactly what it costs with a real server.
 */
#ifndef DEWPOND_BENCH_STANDIN_H
#define DEWPOND_BENCH_STANDIN_H

namespace bench {

/* Its unix socket; started at the first call, gone when we are. */
const char *standin_socket();

/* 10 000, or as many as its open files allow: two for each session. A smaller
 * number is said aloud, and stands in the names of the rows. */
unsigned most_sessions();

} // namespace bench

#endif
