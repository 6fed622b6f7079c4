/* module - what rules of code are made of: by its hash, from the disk or the center,
 * verified, ready to be loaded.
 *
 *   <state>/modules/<sha256>.manifest   signature in hex, a line end, the manifest
 *   <state>/modules/<sha256>            an object, as the manifest names it
 *   <state>/module.pub                  the public keys that are trusted, in hex
 *
 * Nothing counts that is not signed for rules by a trusted key, and no byte that has not
 * the hash which the signed manifest names, wherever it came from; what is wrong on the
 * disk is fetched anew.  All agents of a node share the folder.  Reading, verifying and
 * saving is done beside the loop; what is fetched comes part by part, each asked for, and
 * goes on after a cut where it was.
 *
 * Ownership   A want belongs to whoever wants, and stays until it is done or forgotten.
 * Threads     The loop's.
 * Invariants  M1  one module at a time is looked for, in order, and one fetched; what is
 *                 here does not wait for what is fetched.
 * Limits      RH_MODULE_FETCH_MAX bytes of an object, RH_MODULES_KEPT files. */
#ifndef RH_AGENT_MODULE_H
#define RH_AGENT_MODULE_H

#include "list.h"

#include "../base/signature.h"
#include "../wire/limits.h"

#include <stdint.h>

#define RH_MODULE_FETCH_MAX    (64u << 20)
#define RH_MODULE_MANIFEST_MAX (64u << 10)
#define RH_MODULES_KEPT        256u
#define RH_MODULE_KEYS_MAX     16u

struct rh_agent;
struct rh_diag;
struct rh_frame;
struct rh_modules;
struct rh_module_want;

/* One that is here, and what its signed manifest says of it. */
struct rh_module_found {
	int      fd;                          /* its object as a frozen memfd      */
	uint64_t version;                     /* 0: it was published without       */
	char     name[RH_NAME_MAX + 1];       /* "": likewise                      */
	unsigned key_count;
	char     keys[RH_MODULE_KEYS_MAX][RH_SIGNATURE_KEY_HEX]; /* that are trusted */
};

/* found is borrowed, NULL: it cannot be had, why says why.  The want is out of the list. */
typedef void rh_module_done(struct rh_module_want *want,
                            const struct rh_module_found *found,
                            const struct rh_diag *why);

struct rh_module_want {
	struct rh_list  in_modules;
	rh_module_done *done;
	const char     *hook;    /* which the module must have been published for */
	const char     *mode;
	const char     *part;    /* of it is wanted: "object", ...               */
	char            module[RH_SHA256_HEX];
	int             is_parked; /* module.c: it is not here, and another is fetched */
};

/* dir is borrowed, or NULL: nothing is found, as nobody is trusted. */
int rh_modules_open(struct rh_agent *agent, const char *dir, struct rh_diag *diag);

/* Looks for it; done may be called before this returns. */
void rh_modules_want(struct rh_agent *agent, struct rh_module_want *want);

/* It is not wanted any more; fine for one that is done. */
void rh_modules_forget(struct rh_module_want *want);

/* MODULE_DATA.  RH_EPROTO: it was not asked for, or makes no sense. */
int rh_modules_data(struct rh_agent *agent, const struct rh_frame *frame);

/* The center is here (again): asks for what is missing. */
void rh_modules_ask(struct rh_agent *agent);

/* 1 while something is done beside the loop. */
int  rh_modules_are_busy(const struct rh_agent *agent);
void rh_modules_free(struct rh_agent *agent); /* while they are not busy */

#endif
