/* SPDX-License-Identifier: MIT */
/* What the pond's files share and nobody else calls. */
#ifndef DEWPOND_CORE_POND_INSIDE_H
#define DEWPOND_CORE_POND_INSIDE_H

#include "core/pond.h"

/* A pass over everything that could serve or end a wait: by us, or by whoever
 * is at it already and will go round once more. Never blocks. */
void pond_serve(struct pond *pond);

/* A slot whose session is new goes to a waiter first, whatever its age. */
void pond_put_new(struct pond *pond, struct slot *slot);

/* The quota knows already that it leaves: to the keeper. */
void pond_retire_left(struct pond *pond, struct slot *slot);

/* An OPENING slot, for whichever opener comes. */
void pond_publish_order(struct pond *pond, struct slot *slot);
/* An opening is over. */
void pond_window_return(struct pond *pond);

/* pond_order and pond_order_own for the holder: its failure hides nothing from
 * its own pass, and a look would make it go round for ever. */
bool pond_order_in_pass(struct pond *pond, uint32_t ceiling);
struct slot *pond_own_in_pass(struct pond *pond, uint32_t ceiling);

/* Sessions that live: what a waiter may hope for without a new one. */
uint32_t pond_living(const struct pond *pond);

#endif
