/* watch_line - a line of a stream of the center, as a row for a person.
 *
 *   TIME          REVISION  EVENT     OBJECT         AGENT  WHAT
 *   12:00:01.123  7         put       rule app-lib   -      app -> lib: use shm
 *   12:00:01.131  7         active    rule app-lib   lib    app -> lib
 *
 * Threads     Pure, but for the clock. */
#ifndef RH_CLI_WATCH_LINE_H
#define RH_CLI_WATCH_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

void rh_watch_line_headings(FILE *out, bool has_color);

/* Prints it; a bookmark is no row. */
void rh_watch_line_print(FILE *out, const json_t *line, bool has_color);

/* How an object stands: a row for each agent that has it not active, else one row. */
void rh_watch_line_standing(FILE *out, const json_t *object, bool has_color);

#endif
