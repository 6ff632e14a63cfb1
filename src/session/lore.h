/* SPDX-License-Identifier: MIT */
/* What a reset forgets on servers that were met, for the sessions that follow. */
/*
 * To find out what a reset forgets takes a reset, and a look before and behind
 * it. All of it follows from what the first look shows: which server this is,
 * the session's values, and the server's own, which a reset goes back to. So
 * whoever sees exactly the same need not try it again. Nothing is taken on
 * trust: behind a proxy the next session may be with another server, and that
 * one's answer looks different (facts.c: hostname, port, datadir, server_id).
 *
 * Several threads open at once: guarded by a mutex, held for as long as it
 * takes to compare.
 */
#ifndef DEWPOND_SESSION_LORE_H
#define DEWPOND_SESSION_LORE_H

#include "session/inside.h"

/* The text of what was seen; longer ones are not remembered. */
#define LORE_SEEN_SIZE 2048

enum lore_found { LORE_NOTHING, LORE_FOUND, LORE_NO_MEMORY };

/* Gives the session what is known where exactly this was seen. */
enum lore_found lore_find(struct session_lore *lore, const char *seen,
                          struct session *session);
/* Remembers it for the next; without memory nothing is remembered. */
void lore_keep(struct session_lore *lore, const char *seen,
               const struct session *session);

#endif
