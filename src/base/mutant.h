/* SPDX-License-Identifier: MIT */
/* Planted bugs, a line each: one at a time, and in the testing twin only. */
/*
 * `if (MUTANT(7)) { return; }` is a bug that some test must find. -DDEW_MUTANT=7
 * turns it on in what is compiled for tests; elsewhere the line is no code, and
 * who asks for a bug there gets no object. tests/mutants.txt tells them all,
 * tests/mutants runs the tests against each.
 */
#ifndef DEWPOND_BASE_MUTANT_H
#define DEWPOND_BASE_MUTANT_H

#if defined(DEWPOND_TESTING) || defined(DEWPOND_SCHEDULES)
#ifndef DEW_MUTANT
#define DEW_MUTANT 0
#endif
#define MUTANT(number) ((number) == DEW_MUTANT)
#if DEW_MUTANT
/* What is built with a bug can be told from what is not. */
__attribute__((used)) static const char mutant_mark[] = "dewpond: a mutant";
#endif
#else
#ifdef DEW_MUTANT
#error "a planted bug belongs into the testing twin only"
#endif
#define MUTANT(number) 0
#endif

#endif
