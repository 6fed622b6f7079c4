/* codetext - what rules of code say beside where they run, each text kept once.
 *
 * A text is the rule's spec without the place and the roll-out: hook, module, mode,
 * limits, onFailure, params, and what may be left for it (rollback.h).  Two rules, or two generations of one, that say the same
 * share it; it has a short name, so that tables and roll-outs hold the name and compare
 * it.
 *
 * Ownership   A text stays as long as a table or a roll-out of the realm names it; the
 *             realm throws the others away when nothing can be undone (realm.c), so
 *             what a text is asked for is used before the next commit.
 * Threads     One.
 * Invariants  X1  the same text has the same name; names are never used again. */
#ifndef RH_CENTER_CODETEXT_H
#define RH_CENTER_CODETEXT_H

#include "protocols.h"

#include <jansson.h>
#include <stddef.h>

struct rh_code_text {
	char    use[RH_PROTOCOL_TEXT_MAX]; /* its name                    */
	char   *bytes;                     /* compact, keys sorted        */
	json_t *code;                      /* {"hook", "mode", "module", ...} */
	int     is_named;                  /* while it is looked whether some go  */
};

/* The text of a spec's `code`.  NULL: no memory. */
const struct rh_code_text *rh_code_text_of(const json_t *code);

size_t rh_code_texts_count(void);

/* 1 when there are twice as many as were left the last time: it is worth a look. */
int rh_code_texts_are_many(void);

/* Somebody names it, or NULL ... */
void rh_code_text_name(const struct rh_code_text *text);

/* ... and this frees those that nobody named since the last time. */
void rh_code_texts_sweep(void);

#endif
