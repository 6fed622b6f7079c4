/* task - what the supervisor is to keep running: one process, described.
 *
 * Ownership   A task owns its texts; rh_task_fini frees them.
 * Limits      RH_TASK_ARGS_MAX arguments. */
#ifndef RH_SUPERVISE_TASK_H
#define RH_SUPERVISE_TASK_H

#include "life.h"

#include "../../wire/limits.h"

#include <stdbool.h>
#include <stddef.h>

#define RH_TASK_ARGS_MAX 80
#define RH_TASK_NAME_MAX (RH_NAME_MAX + 24)

/* In this order they start; in the reverse order they end. */
enum rh_task_role { RH_TASK_CENTER, RH_TASK_AGENT, RH_TASK_INSTANCE, RH_TASK_ROLES };

struct rh_task {
	char              name[RH_TASK_NAME_MAX + 1]; /* "magic/0": unique, in the log */
	char              resource[RH_NAME_MAX + 1];  /* "" for the center             */
	enum rh_task_role role;
	enum rh_restart   restart;
	bool              says_ready;  /* writes a line "ready"                         */
	char             *mark;        /* differs when it must be started anew          */
	char             *argv[RH_TASK_ARGS_MAX + 1];
	size_t            argc;
	bool              is_broken;   /* out of memory or arguments                    */
};

void rh_task_init(struct rh_task *task, enum rh_task_role role, const char *resource);
void rh_task_fini(struct rh_task *task);

/* Adds a copy of text. */
void rh_task_arg(struct rh_task *task, const char *text);

/* An independent copy; broken when out of memory. */
void rh_task_copy(struct rh_task *ret_copy, const struct rh_task *task);

/* Whether a process started for a would do for b. */
bool rh_task_equal(const struct rh_task *a, const struct rh_task *b);

#endif
