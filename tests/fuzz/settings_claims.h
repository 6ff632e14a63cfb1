/* SPDX-License-Identifier: MIT */
/* What must hold of settings that were accepted, and of an error otherwise. */
#ifndef DEWPOND_TEST_FUZZ_SETTINGS_CLAIMS_H
#define DEWPOND_TEST_FUZZ_SETTINGS_CLAIMS_H

#include "base/settings.h"

/* The error of a refusal: code, stage and a sentence, whole and silent about
 * the secret (unless it was no secret). And there are no settings. */
void claim_refused(dew_code code, const dew_error *error,
                   const struct settings *settings, bool has_secret);

/* Each number is one that its row allows or presets, sizes fit, texts that
 * are always there are there. */
void claim_valid(const struct settings *settings);

/* Written as a dew_config, and as a URI where a URI has words for it, they
 * are read as they were. */
void claim_round_trip(const struct settings *settings);

#endif
