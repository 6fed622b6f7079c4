/* push_page - steps of subscribing and publishing, as lines for a person.
 *
 *   STEP            AT   TOOK    SUBSCRIBER  REVISION  BYTES  WHAT
 *   publish   1    0ns  1.2ms    -                  7      -  the center commits Rule r
 *   publish   2  1.2ms  9.0us    -                  7    118  app -> lib: ...
 *
 * AT is when the step began, counted from the first step of the same change or of the
 * same subscription; TOOK is what the process that did it measured itself.
 *
 * Ownership   The caller destroys it.
 * Threads     One.
 * Limits      RH_PUSH_PAGE_MAX steps wait to be sorted; what comes then prints them. */
#ifndef RH_CLI_PUSH_PAGE_H
#define RH_CLI_PUSH_PAGE_H

#include "../wire/push_step.h"

#include <stdbool.h>
#include <stdio.h>

#define RH_PUSH_PAGE_MAX 512u

struct rh_push_page;

struct rh_push_page *rh_push_page_create(void);
void                 rh_push_page_destroy(struct rh_push_page *page);

void rh_push_page_headings(FILE *out, bool has_color);

/* Keeps it until the page is printed: what several processes tell comes in any order.
 * RH_ENOSPC  print first. */
int rh_push_page_add(struct rh_push_page *page, const struct rh_push_step *step);

/* Prints what was kept in the order of time; returns how many steps. */
unsigned rh_push_page_print(struct rh_push_page *page, FILE *out, bool has_color);

/* Half of the room is taken: time to print. */
bool rh_push_page_is_full(const struct rh_push_page *page);
bool rh_push_page_is_empty(const struct rh_push_page *page);

#endif
