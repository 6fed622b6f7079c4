/* plan - which processes the center's PLAN asks for.
 *
 * One agent per resource; for a resource that serves a library as many workers as
 * it says; for one that serves by a program that program.  Workers and programs are
 * started through this same command (`rhodes serve --one`, `rhodes run`), which
 * puts the environment together and becomes the process.
 *
 *   {"revision", "resources": [{"name", "spec"}], "interfaces": [{"name", "spec"}]}
 *
 * Ownership   rh_plan_fini frees the tasks.
 * Threads     Pure.
 * Limits      RH_PLAN_TASKS_MAX processes. */
#ifndef RH_SUPERVISE_PLAN_H
#define RH_SUPERVISE_PLAN_H

#include "task.h"

#include "../../model/error.h"

#include <jansson.h>

#define RH_PLAN_TASKS_MAX 8192u

/* Where things are; borrowed. */
struct rh_plan_paths {
	const char *self;    /* this program                    */
	const char *agent;   /* rhodes-agent                    */
	const char *run_dir;
	const char *state_dir;
	const char *system;
};

struct rh_plan {
	struct rh_task *tasks;      /* sorted by name */
	size_t          count;
	size_t          resources;
	long long       revision;
};

/* RH_EINVAL  the JSON is no plan; diag says why.
 * RH_ENOSPC  too many processes.
 * RH_ENOMEM  out of memory. */
int rh_plan_init(struct rh_plan *ret_plan, const json_t *json,
                 const struct rh_plan_paths *paths, struct rh_diag *diag);
void rh_plan_fini(struct rh_plan *plan);

/* The task of that name, or NULL. */
const struct rh_task *rh_plan_find(const struct rh_plan *plan, const char *name);

enum rh_restart rh_plan_restart(const json_t *serve);

#endif
