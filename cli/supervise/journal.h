/* journal - one readable log of all processes of a system.
 *
 *   2026-01-31T12:00:00.123Z agent/file  info  attached pid=12 exe=/usr/bin/file
 *
 * Every line of every process goes to <run>/system.log and, when there is one, to
 * a terminal or pipe.  A line written by base/log keeps its time and level; others
 * get the time of their arrival.  The file is renamed to system.log.1 when it has
 * RH_JOURNAL_BYTES_MAX; one old file is kept.
 *
 * A terminal that does not take more is not waited for: lines are left out there,
 * counted, and the file has them all.
 *
 * Ownership   The caller owns the struct; fini closes the file.
 * Threads     One. */
#ifndef RH_SUPERVISE_JOURNAL_H
#define RH_SUPERVISE_JOURNAL_H

#include "../../model/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RH_JOURNAL_BYTES_MAX (16u << 20)
#define RH_JOURNAL_LINE_MAX  4000u
#define RH_JOURNAL_NAME_WIDTH 18

struct rh_journal {
	char     path[300];
	int      file;
	int      screen;      /* a descriptor, or -1                */
	bool     has_color;
	uint64_t bytes;       /* in file                            */
	uint64_t bytes_max;
	uint64_t skipped;     /* lines the screen did not take      */
};

/* Opens <run>/system.log; no file when run_dir is NULL.  screen is borrowed; -1 for
 * none.
 * RH_EIO  it cannot be opened. */
int rh_journal_init(struct rh_journal *journal, const char *run_dir, int screen,
                    struct rh_diag *diag);
void rh_journal_fini(struct rh_journal *journal);

/* One line, without its end, of the named process. */
void rh_journal_line(struct rh_journal *journal, const char *name, const char *line,
                     size_t len);

/* A line of the supervisor itself. */
void rh_journal_tell(struct rh_journal *journal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The pieces of a line; pure, for tests. */
struct rh_journal_parts {
	char        time[32];  /* "" when the line brought none */
	char        level[8];  /* the same                      */
	char        agent[80]; /* "agent/file" when "agent file" wrote it */
	const char *text;      /* into the line                 */
	size_t      len;
};

void rh_journal_split(const char *line, size_t len, struct rh_journal_parts *ret_parts);

#endif
