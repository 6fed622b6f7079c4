/* history - what an observer wrote down of live change, and whether it can have been.
 *
 * A line of a log, whoever wrote it, that holds "history " is an event (in the log of
 * `rhodes up` the level stands before it in place of the colon):
 *
 *   ...: history WHO EVENT SUBJECT REVISION DETAIL
 *
 *   center store    STORE    REVISION  - | STORE   it serves that store; the second: was
 *                                                  restored from that one, as of REVISION
 *   center change   KEY | *  REVISION  WHAT        committed; * is every item
 *   center quiet    STORE    REVISION  -           nothing is under way any more
 *   AGENT  start    STORE | - REVISION -           a process begins, from its cache; 0:
 *                                                  it must be told everything anew
 *   AGENT  snapshot STORE    REVISION  -           taken
 *   AGENT  delta    STORE    REVISION  PREV        taken
 *   AGENT  bookmark STORE    REVISION  PREV        taken
 *   AGENT  put      KEY      REVISION  WHAT        in force now
 *   AGENT  result   KEY      REVISION  STATE       told: staged, rejected, active
 *   AGENT  settled  STORE    REVISION  -           told, after the results with it
 *   AGENT  end      -        0         -           it need not follow any more
 *
 *   KEY    resource/NAME or edge/CALLER/CALLEE
 *   A center that begins says that everything is gone, and then what is there, as of the
 *   revision that it has; what is so already counts since it was told first.
 *
 *   WHAT   16 hex digits: FNV-1a, 64 bit, of the bytes in SELF or EDGE_ITEM; "gone"; or
 *          "?" of a change that nobody encoded
 *
 * Events of one process stand in their order; how those of several are mixed does not
 * matter, but for quiet, which comes after all that it speaks of.
 *
 * Ownership   The caller owns the history; it copies what it is given.
 * Threads     One. */
#ifndef RH_TESTS_HISTORY_H
#define RH_TESTS_HISTORY_H

#include <stdint.h>
#include <stdio.h>

struct history;

struct history *history_create(void);
void            history_destroy(struct history *history);

/* Takes down the event of a line; 1, 0 when the line is none, -1 when it is malformed. */
int history_line(struct history *history, const char *line);

/* The same without parsing; who "center" or an agent. */
int history_event(struct history *history, const char *who, const char *event,
                  const char *subject, uint64_t revision, const char *detail);

/* Checks all that was taken down; writes what cannot be to out (NULL: nowhere), at most
 * 20 lines; returns how many there are:
 *
 *   the revision of an agent falls, while store and process are the same;
 *   a gap: a delta or bookmark that does not continue what the agent had;
 *   an item in force that the store never had, or had at another time;
 *   an item that goes back to an older one, or is in force before it was taken;
 *   an item told as active, or a revision as settled, while another one is in force;
 *   an item that does not concern the agent;
 *   at quiet: an agent that has something else in force than the store holds, unless it
 *   told that it rejects it; or two ends that have different bytes of the same edge. */
int history_check(const struct history *history, FILE *out);

size_t history_count(const struct history *history);

#endif
