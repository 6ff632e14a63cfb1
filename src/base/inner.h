/* SPDX-License-Identifier: MIT */
/* For names that files of several folders share and no program shall see. */
/*
 * Said where the name is declared, it spares each use of the name the look into
 * the table of what may come from another library. The twin that tests link may
 * be such a library.
 */
#ifndef DEWPOND_BASE_INNER_H
#define DEWPOND_BASE_INNER_H

#ifdef DEWPOND_TESTING
#define INNER
#else
#define INNER __attribute__((visibility("hidden")))
#endif

#endif
