/* codetext - what rules of code say beside where they run, each text kept once.
 *
 * A text is the rule's spec without the place and the roll-out: hook, module, mode,
 * limits, onFailure, params.  Two rules, or two generations of one, that say the same
 * share it; it has a short name, so that tables and roll-outs hold the name and compare
 * it.
 *
 * Ownership   Texts stay until the process ends: a rule that comes again, as every
 *             rollback does, finds its own.
 * Threads     One.
 * Invariants  X1  the same text has the same name; names are never used again. */
#ifndef RH_CENTER_CODETEXT_H
#define RH_CENTER_CODETEXT_H

#include "protocols.h"

#include <jansson.h>

struct rh_code_text {
	char    use[RH_PROTOCOL_TEXT_MAX]; /* its name                    */
	char   *bytes;                     /* compact, keys sorted        */
	json_t *code;                      /* {"hook", "mode", "module", ...} */
};

/* The text of a spec's `code`.  NULL: no memory. */
const struct rh_code_text *rh_code_text_of(const json_t *code);

#endif
