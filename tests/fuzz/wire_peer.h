/* SPDX-License-Identifier: MIT */
/* The scripted server, with replies that are made of a fuzz input. */
/*
 * wire_peer.c stands in the place of the server's own play.c: what the server
 * would truly say at a moment is passed through the next instruction of a
 * program, and the program is a piece of the input. Past its end the server
 * behaves. Whatever an instruction makes goes out in one send, so that all of
 * it has arrived when its first byte has: then what is on the wire is no matter
 * of luck.
 *
 *     byte            what the reply becomes
 *     0               itself
 *     1 n (at2 x)*n   itself with n bytes changed (exclusive or)
 *     2 at2 then      its first bytes, then: go on, close, silence
 *     3 n bytes       one packet of these bytes
 *     4 n bytes       these bytes
 *     5 n bytes       itself and these bytes behind
 *     6 number2 sql   an error packet, with a state or without
 *     7               nothing, for ever
 *     8               the end of the connection
 *     9               itself and an OK that nobody asked for
 *     10 n            itself with sequence numbers n higher
 *     11 at2 n bytes  itself with these bytes put in
 *     12 at2 n        itself without n bytes
 *     13              the reply before it, once more
 *     14 n m bytes    n packets of these bytes, numbered in order
 *     15              nothing, and on it goes
 *     16 at2 n        itself, in two sends, n ms between them (at most 3)
 *     17 n            rows of n bytes until the client leaves, 4 MB at most
 *
 * With 32 added the length in the first header is made right again for what
 * stands behind it.
 */
#ifndef DEWPOND_TEST_FUZZ_WIRE_PEER_H
#define DEWPOND_TEST_FUZZ_WIRE_PEER_H

#include "fixture/scripted/scripted_server.h"
#include "fuzz/fuzz.h"

/* From now on this is the program of all servers of the process; `bell`, an
 * eventfd or -1, is rung when a silence begins: nothing will come any more. The
 * bytes must live until wire_program_end. */
void wire_program_begin(struct fuzz_bytes program, int bell);
/* From now on servers behave; a silence that has begun lasts. */
void wire_program_end(void);

#endif
