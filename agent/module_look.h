/* module_look - looks for one module on the disk, verifies it, and keeps what came from
 * the center: the part of module.h that runs beside the loop.
 *
 * Ownership   The look owns what is given to it and the descriptor it found.
 * Threads     One at a time.
 * Errors      As module.h: RH_EAGAIN means that `missing` is to be fetched. */
#ifndef RH_AGENT_MODULE_LOOK_H
#define RH_AGENT_MODULE_LOOK_H

#include "module.h"

#include "../base/diag.h"
#include "../base/signature.h"

#include <stddef.h>

/* Bytes, from the disk or the center. */
struct rh_module_bytes {
	unsigned char *at;      /* NULL: not here */
	size_t         len;
	int            is_new;  /* of the center: to be saved, and not to be asked for again */
};

struct rh_module_look {
	const char            *dir;       /* the state directory, or ""        */
	char                   module[RH_SHA256_HEX];
	char                   hook[32];
	char                   mode[16];
	char                   part[32];
	struct rh_module_bytes manifest;
	struct rh_module_bytes object;
	char                   signature[RH_SIGNATURE_HEX]; /* of the manifest   */
	char                   object_sha256[RH_SHA256_HEX];
	int                    err;       /* RH_OK: found is it                */
	struct rh_module_found found;
	char                   missing[RH_SHA256_HEX]; /* RH_EAGAIN            */
	struct rh_diag         why;
	struct rh_diag         note;      /* for the log; code 0: none         */
};

/* Looks; may be called again when what was missing was given. */
void rh_module_look(struct rh_module_look *look);

/* Takes bytes that the center sent under that hash. */
void rh_module_look_give(struct rh_module_look *look, const char *sha256,
                         unsigned char *bytes, size_t len, const char *signature);

/* Takes away what was not written to its end, because its agent was killed. */
void rh_module_look_sweep(const char *state);

void rh_module_look_free(struct rh_module_look *look);

#endif
