/* lines - what rules of code said lately: a ring for each rule.
 *
 * The lines of a rule are numbered without gaps, and go on where all together ended when
 * its ring went and came again, so that who reads them again and again knows what is new.
 *
 * Ownership   The center's; rh_lines_fini frees.  Zeroes are empty.
 * Threads     One.
 * Limits      RH_LINES_MAX lines of a rule, the oldest go; RH_LINES_RULES rules, the one
 *             that was silent for longest goes. */
#ifndef RH_CENTER_LINES_H
#define RH_CENTER_LINES_H

#include "limits.h"

#include <stdint.h>

#define RH_LINE_TEXT_MAX 200u

struct rh_said {
	uint64_t number;
	uint64_t time_ms; /* since 1970 */
	char     agent[RH_OBJECT_NAME_MAX + 1];
	char     text[RH_LINE_TEXT_MAX + 1];
};

struct rh_line_ring {
	char           rule[RH_OBJECT_NAME_MAX + 1];
	uint64_t       before; /* number of the line before the first */
	uint64_t       count;  /* that came since */
	struct rh_said at[];   /* RH_LINES_MAX   */
};

struct rh_lines {
	struct rh_line_ring *rings[RH_LINES_RULES];
	unsigned             used;
	uint64_t             last; /* lines of all that ever came */
};

/* number is set here.  RH_ENOMEM: it is lost. */
int rh_lines_add(struct rh_lines *lines, const char *rule, const struct rh_said *line);

/* The last ones of the rule above that number, at most limit of them, oldest first.
 * Returns how many above it are not among them. */
typedef void rh_lines_visit(void *user, const struct rh_said *line);
uint64_t rh_lines_each(const struct rh_lines *lines, const char *rule, uint64_t after,
                       uint64_t limit, rh_lines_visit *visit, void *user);

void rh_lines_fini(struct rh_lines *lines);

#endif
