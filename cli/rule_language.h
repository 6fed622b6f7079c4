/* rule_language - the languages that a new rule can be written in: what its project
 * begins with. */
#ifndef RH_CLI_RULE_LANGUAGE_H
#define RH_CLI_RULE_LANGUAGE_H

#include "rule.h"

struct rh_rule_language;

/* NULL: none of these. */
const struct rh_rule_language *rh_rule_language_find(const char *name);

/* "c, c++, ...", for messages. */
const char *rh_rule_language_names(void);

/* Does it have rules for that hook? */
bool rh_rule_language_has(const struct rh_rule_language *language, const char *hook);

/* The only hook that it has rules for, or NULL. */
const char *rh_rule_language_hook(const struct rh_rule_language *language);

/* Does it use the headers of C? */
bool rh_rule_language_has_headers(const struct rh_rule_language *language);

/* Writes the source, the project and what else it takes into the folder of that name,
 * which is there with include/rhodes in it.  An enum rh_exit; tells on err. */
int rh_rule_language_write(struct rh_cli *cli, const struct rh_rule_language *language,
                           const char *name, const char *hook);

#endif
