/* doctor - what is wrong on this machine and in a system, each with what to do.
 *
 * machine.c asks whether a system can run here; running.c finds the processes of one and
 * what its center and its agents say, rollouts.c how its rules come step by step; disk.c looks at what agents keep; bounds.c at what
 * is used up.  Everything is read where it is: the REST interface, the files of the run
 * and state directories, /proc.  Nothing is changed.
 *
 * Ownership   The verb owns the struct and what is read into it.
 * Threads     One.
 * Limits      RH_DOCTOR_SAME_MAX findings of one kind are told, then how many more. */
#ifndef RH_CLI_DOCTOR_DOCTOR_H
#define RH_CLI_DOCTOR_DOCTOR_H

#include "../cli.h"

#include <jansson.h>
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
	json_t        *system;     /* what the center answered; NULL: it did not */
	json_t        *resources;
	json_t        *agents;
	json_t        *rollouts;
	char           last[24];   /* what was found last, and how often       */
	unsigned       same;
	unsigned       left_out;
};

void rh_doctor_add(struct rh_doctor *doctor, const char *what, enum rh_finding finding,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Tells how many findings of the last kind were left out. */
void rh_doctor_end_kind(struct rh_doctor *doctor);

void rh_doctor_machine(struct rh_doctor *doctor);
void rh_doctor_running(struct rh_doctor *doctor);
void rh_doctor_rollouts(struct rh_doctor *doctor);
void rh_doctor_disk(struct rh_doctor *doctor);
void rh_doctor_bounds(struct rh_doctor *doctor);

/* The agent of that resource as the center knows it, or NULL. */
const json_t *rh_doctor_agent(const struct rh_doctor *doctor, const char *resource);

#endif
