/* doctor - what is wrong on this machine and in a system, each with what to do.
 *
 * machine.c and folders.c ask whether a system can run here.  running.c looks at one that
 * runs: center.c and agents.c at its processes, objects.c at what its resources and
 * agents say, rollouts.c at rules that come step by step, versions.c at what was
 * replaced, observer.c at `rhodes observe`.  disk.c looks at what agents keep, bounds.c at what is used up.  Everything
 * is read where it is: the REST interface (ask.c), the files of the run and state
 * directories, /proc.  Nothing is changed.
 *
 * Ownership   The verb owns the struct and what is read into it.
 * Threads     One.
 * Limits      RH_DOCTOR_SAME_MAX findings of one kind are told, then how many more. */
#ifndef RH_CLI_DOCTOR_DOCTOR_H
#define RH_CLI_DOCTOR_DOCTOR_H

#include "../cli.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#define RH_DOCTOR_SAME_MAX  16u
#define RH_DOCTOR_ANSWER_MS 5000

enum rh_finding { RH_FINDING_OK, RH_FINDING_WARN, RH_FINDING_FAIL };

struct rh_doctor {
	struct rh_cli *cli;
	json_t        *items;      /* with -o; else NULL                       */
	unsigned       failures;
	/* The running system: */
	pid_t          supervisor; /* 0: none                                  */
	pid_t          center;     /* 0: nobody listens                        */
	json_t        *system;     /* its answer; NULL: there was none         */
	json_t        *resources;
	json_t        *agents;
	json_t        *rollouts;
	char           last[24];   /* what was found last, and how often       */
	unsigned       same;
	unsigned       left_out;
};

void rh_doctor_add(struct rh_doctor *doctor, const char *what, enum rh_finding finding,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same of one kind each: all is well; it may cost something; it does not work. */
#define rh_doctor_ok(doctor, what, ...) \
	rh_doctor_add(doctor, what, RH_FINDING_OK, __VA_ARGS__)
#define rh_doctor_warn(doctor, what, ...) \
	rh_doctor_add(doctor, what, RH_FINDING_WARN, __VA_ARGS__)
#define rh_doctor_fail(doctor, what, ...) \
	rh_doctor_add(doctor, what, RH_FINDING_FAIL, __VA_ARGS__)

/* Tells how many findings of the last kind were left out. */
void rh_doctor_end_kind(struct rh_doctor *doctor);

void rh_doctor_machine(struct rh_doctor *doctor);
void rh_doctor_running(struct rh_doctor *doctor);
void rh_doctor_disk(struct rh_doctor *doctor);
void rh_doctor_bounds(struct rh_doctor *doctor);

/* ---- parts of the machine, and of what runs ---- */

void rh_doctor_folders(struct rh_doctor *doctor);

/* Reads what the center says of all there is. */
void rh_doctor_ask(struct rh_doctor *doctor);

void rh_doctor_supervisor(struct rh_doctor *doctor);

/* Who listens where the center should; 0 when nobody does, *ret_errno says why. */
pid_t rh_doctor_listener(const struct rh_doctor *doctor, int *ret_errno);

/* Nobody listens where the center should; error is why. */
void rh_doctor_away(struct rh_doctor *doctor, int error);

/* One that listens; false when it does not answer. */
bool rh_doctor_center(struct rh_doctor *doctor);

/* The agents that the center knows; without it, how many run of those that left a
 * socket. */
void     rh_doctor_agents(struct rh_doctor *doctor);
unsigned rh_doctor_sockets(struct rh_doctor *doctor);

void rh_doctor_objects(struct rh_doctor *doctor);
void rh_doctor_rollouts(struct rh_doctor *doctor);
void rh_doctor_versions(struct rh_doctor *doctor);
void rh_doctor_observer(struct rh_doctor *doctor);

/* The agent of that resource as the center knows it, or NULL. */
const json_t *rh_doctor_agent(const struct rh_doctor *doctor, const char *resource);

#endif
