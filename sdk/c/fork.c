#include "fork.h"

#include "session.h"

#include <unistd.h>

static void before(void)
{
	pthread_mutex_lock(&rh_session.lock);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&rh_session.lock);
}

/* The pages were not inherited (MADV_DONTFORK); the sockets were, and are closed
 * so that the agent sees the parent's end as the parent's alone. */
static void in_child(void)
{
	struct rh_session *session = &rh_session;

	if (session->fd >= 0)
		close(session->fd);
	if (session->agent_event >= 0)
		close(session->agent_event);
	session->fd = session->agent_event = -1;
	session->generation++;
	session->is_receiving = 0;
	session->waiting = NULL;
	for (unsigned i = 0; i < session->callee_count; i++)
		rh_callee_unlock(session->callees[i]);
	rh_threads_forget();
	rh_handles_forget();
	rh_context_forget();
	pthread_mutex_unlock(&session->lock);
}

void rh_fork_watch(void)
{
	pthread_atfork(before, in_parent, in_child);
}
