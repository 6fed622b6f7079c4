#include "fork.h"

#include "session.h"

#include <unistd.h>

static void before(void)
{
	pthread_mutex_lock(&rh_session.lock);
	rh_handles_hold();
	rh_contexts_hold();
}

static void in_parent(void)
{
	rh_contexts_let_go();
	rh_handles_let_go();
	pthread_mutex_unlock(&rh_session.lock);
}

/* The pages were not inherited (MADV_DONTFORK); the sockets were, and are closed
 * so that the agent sees the parent's end as the parent's alone.  The threads that
 * waited for something are not here. */
static void in_child(void)
{
	struct rh_session *session = &rh_session;

	if (session->fd >= 0)
		close(session->fd);
	if (session->agent_event >= 0)
		close(session->agent_event);
	if (session->left_fd >= 0)
		close(session->left_fd);
	if (session->room_fd >= 0)
		close(session->room_fd);
	session->fd = session->agent_event = session->left_fd = session->room_fd = -1;
	session->is_waiting_for_room = 0;
	session->untold = NULL; /* the parent tells it */
	session->untold_end = &session->untold;
	session->attachment = 0; /* the parent's */
	session->generation++;
	session->is_receiving = 0;
	session->is_attaching = 0;
	session->waiting = NULL;
	rh_session_init_changed();
	for (unsigned i = 0; i < session->callee_count; i++)
		rh_callee_unlock(session->callees[i]);
	rh_threads_forget();
	rh_handles_forget();
	rh_inboxes_forget();
	in_parent();
}

void rh_fork_watch(void)
{
	pthread_atfork(before, in_parent, in_child);
}
