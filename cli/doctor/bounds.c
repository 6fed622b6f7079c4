#include "doctor.h"

#include "process.h"

#include "../samples.h"
#include "../show.h"

#include <fcntl.h>
#include <mqueue.h>
#include <string.h>

/* --- message queues -------------------------------------------------------------------
 */

static void check_queue(struct rh_doctor *doctor, const struct rh_edge_sample *edge,
                        const char *what, const char *reader)
{
	char           name[256];
	struct mq_attr is = { .mq_maxmsg = 0 };
	mqd_t          queue;

	snprintf(name, sizeof name, "/%s-%s-%s-%s", doctor->cli->dirs.system,
	         edge->caller, edge->callee, what);
	queue = mq_open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (queue < 0)
		return;
	if (mq_getattr(queue, &is) == 0 && is.mq_maxmsg > 0 &&
	    is.mq_curmsgs >= is.mq_maxmsg)
		rh_doctor_warn(doctor, "queue",
		               "%s -> %s: the message queue %s is at its limit of %ld "
		               "messages: the agent of %s takes nothing out of it, so "
		               "calls wait; see whether it is stopped or busy, raise "
		               "fs.mqueue.msg_max, or use shm for this edge",
		               edge->caller, edge->callee, name, is.mq_maxmsg, reader);
	mq_close(queue);
}

static void check_queues(struct rh_doctor *doctor)
{
	struct rh_samples samples = { 0 };

	if (rh_samples_read(doctor->cli->dirs.run, &samples) < 0)
		return;
	for (size_t i = 0; i < samples.count; i++) {
		const struct rh_edge_sample *edge = &samples.edges[i];

		if (strcmp(edge->protocol, "msgqueue") != 0)
			continue;
		check_queue(doctor, edge, "queue", edge->callee);
		check_queue(doctor, edge, "reply", edge->caller);
	}
	rh_samples_free(&samples);
}

/* --- descriptors ----------------------------------------------------------------------
 */

/* Nine tenths are used. */
static void check_files(struct rh_doctor *doctor, const char *who, pid_t pid)
{
	long open, limit;

	if (pid > 0 && rh_process_files(pid, &open, &limit) && open * 10 >= limit * 9)
		rh_doctor_warn(doctor, "descriptors",
		               "%s (pid %d) has %ld of %ld descriptors open: callers "
		               "and pages beyond are refused; raise the limit (ulimit "
		               "-n) and restart it, or find out who holds so many",
		               who, (int)pid, open, limit);
}

void rh_doctor_bounds(struct rh_doctor *doctor)
{
	json_t *agent;
	size_t  i;
	pid_t   pid, last = 0;
	char    who[96];

	check_queues(doctor);
	check_files(doctor, "the center", doctor->center);
	json_array_foreach(doctor->agents, i, agent) {
		const char *name = rh_show_text(agent, "resource");
		const char *role = rh_show_text(agent, "role");

		if (!name || !role || strcmp(role, "agent") != 0)
			continue;
		pid = (pid_t)json_integer_value(json_object_get(agent, "pid"));
		snprintf(who, sizeof who, "the agent of %.63s", name);
		if (pid != last) /* many may be in one process */
			check_files(doctor, who, pid);
		last = pid;
	}
}
