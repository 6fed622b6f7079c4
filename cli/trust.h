/* trust - is what the center signed signed by a key of this system?
 *
 * The public keys stand in the state directory (base/signature.h), not in what the
 * center answers: whoever answers in its place cannot bring a key along.
 *
 * Threads     One. */
#ifndef RH_CLI_TRUST_H
#define RH_CLI_TRUST_H

#include "../base/signature.h"
#include "../model/error.h"

struct rh_dirs;

/* RH_EIDENT  none of the keys made that signature.
 * RH_ENOENT, RH_EACCES, RH_EIO  the keys cannot be read.  diag says what to do. */
int rh_trust_check(const struct rh_dirs *dirs, enum rh_signed use, const char *sha256,
                   const char *signature, struct rh_diag *diag);

#endif
