#include "renew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the workers of a resource ------------------------------------------------------ */

static bool is_worker_of(const struct rh_process *process, const char *resource)
{
	return process->task.role == RH_TASK_INSTANCE &&
	       strcmp(process->task.resource, resource) == 0;
}

/* Gives those of the resource that saw this file another state; returns how many. */
static unsigned decide(struct rh_crew *crew, const char *resource, const char *seen,
                       enum rh_hosted_state state)
{
	unsigned count = 0;

	for (size_t i = 0; i < crew->count; i++) {
		struct rh_hosted *hosted = &crew->members[i]->hosted;

		if (!is_worker_of(crew->members[i], resource) ||
		    hosted->state != RH_HOSTED_STALE || strcmp(hosted->seen, seen) != 0)
			continue;
		hosted->state = state;
		count++;
	}
	return count;
}

static bool all_serve(const struct rh_crew *crew, const char *resource)
{
	for (size_t i = 0; i < crew->count; i++) {
		const struct rh_process *process = crew->members[i];

		if (is_worker_of(process, resource) &&
		    (process->state != RH_LIFE_RUNNING || !process->is_ready))
			return false;
	}
	return true;
}

static void renew_next(struct rh_renewal *renewal)
{
	struct rh_crew *crew = renewal->crew;

	for (size_t i = 0; i < crew->count; i++) {
		struct rh_process *process = crew->members[i];

		if (process->hosted.state == RH_HOSTED_APPROVED &&
		    all_serve(crew, process->task.resource))
			rh_process_renew(process);
	}
}

/* --- is it any good? ---------------------------------------------------------------- */

static void start_check(struct rh_renewal *renewal, const struct rh_process *process)
{
	const char     *words[] = { renewal->self, "serve", "--system", renewal->system,
		                    "--check", process->task.resource };
	struct rh_task  task;

	rh_task_init(&task, RH_TASK_INSTANCE, process->task.resource);
	snprintf(task.name, sizeof task.name, "%s/check", process->task.resource);
	task.restart = RH_RESTART_NEVER;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		rh_task_arg(&task, words[i]);
	memcpy(renewal->checked, process->hosted.seen, sizeof renewal->checked);
	if (!task.is_broken)
		renewal->check = rh_process_create(&task, renewal->setting);
	rh_task_fini(&task);
	if (renewal->check)
		rh_process_start(renewal->check);
}

static void conclude(struct rh_renewal *renewal)
{
	struct rh_journal *journal = renewal->setting->journal;
	const char        *resource = renewal->check->task.resource;
	bool               is_good = renewal->check->code == 0 &&
	                             renewal->check->by_signal == 0;
	unsigned           count;

	count = decide(renewal->crew, resource, renewal->checked,
	               is_good ? RH_HOSTED_APPROVED : RH_HOSTED_REFUSED);
	if (count && is_good)
		rh_journal_tell(journal, "the library of %s was replaced: restarting"
		                " %u of its workers, one after the other", resource, count);
	else if (count)
		rh_journal_tell(journal, "the library of %s was replaced by one that"
		                " cannot be served, see above: its workers go on with the"
		                " former one", resource);
	rh_process_destroy(renewal->check);
	renewal->check = NULL;
}

static void refuse(struct rh_renewal *renewal, const struct rh_process *process)
{
	char seen[RH_IDENTITY_MAX];

	memcpy(seen, process->hosted.seen, sizeof seen);
	decide(renewal->crew, process->task.resource, seen, RH_HOSTED_REFUSED);
	rh_journal_tell(renewal->setting->journal, "the library of %s was replaced; its"
	                " workers go on with the former one, because objects that programs"
	                " hold there cannot be made anew: `rhodes restart %s` restarts"
	                " them all the same", process->task.resource,
	                process->task.resource);
}

static void check_next(struct rh_renewal *renewal)
{
	for (size_t i = 0; i < renewal->crew->count && !renewal->check; i++) {
		struct rh_process *process = renewal->crew->members[i];

		if (process->hosted.state != RH_HOSTED_STALE)
			continue;
		if (process->hosted.keeps)
			refuse(renewal, process);
		else
			start_check(renewal, process);
	}
}

/* --- watching ------------------------------------------------------------------------ */

static void watch_folder(const struct rh_renewal *renewal, const char *path)
{
	char  folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return;
	slash[slash == folder] = '\0';
	if (inotify_add_watch(renewal->watch, folder, IN_CLOSE_WRITE | IN_MOVED_TO |
	                      IN_CREATE | IN_ONLYDIR) < 0)
		rh_journal_tell(renewal->setting->journal, "cannot watch %s: %s; a library"
		                " that is replaced there is not noticed", folder,
		                strerror(errno));
}

/* Where its name stands and where the file stands, when that is a link. */
static void watch_new(struct rh_renewal *renewal)
{
	for (size_t i = 0; i < renewal->crew->count; i++) {
		struct rh_hosted *hosted = &renewal->crew->members[i]->hosted;
		char             *real;

		if (hosted->state == RH_HOSTED_UNKNOWN || hosted->is_watched)
			continue;
		hosted->is_watched = true;
		watch_folder(renewal, hosted->path);
		real = realpath(hosted->path, NULL);
		if (real && strcmp(real, hosted->path) != 0)
			watch_folder(renewal, real);
		free(real);
		rh_hosted_look(hosted); /* before it was watched */
	}
}

/* A file that was just made is about to be written; a link is whole at once. */
static bool is_whole(const struct rh_hosted *hosted, const struct inotify_event *event)
{
	const char *slash = strrchr(hosted->path, '/');
	struct stat st;

	if (!(event->mask & IN_CREATE))
		return true;
	return slash && event->len && strcmp(slash + 1, event->name) == 0 &&
	       lstat(hosted->path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool look(struct rh_renewal *renewal, const struct inotify_event *event)
{
	bool has_changed = false;

	for (size_t i = 0; i < renewal->crew->count; i++) {
		struct rh_hosted *hosted = &renewal->crew->members[i]->hosted;

		if (hosted->state != RH_HOSTED_UNKNOWN && is_whole(hosted, event))
			has_changed |= rh_hosted_look(hosted);
	}
	return has_changed;
}

static void on_events(void *user)
{
	_Alignas(struct inotify_event) char bytes[16384];
	struct rh_renewal *renewal = user;
	bool               has_changed = false;
	ssize_t            n = read(renewal->watch, bytes, sizeof bytes);

	for (char *at = bytes; n > 0 && at < bytes + n;) {
		const struct inotify_event *event = (const struct inotify_event *)(void *)at;

		has_changed |= look(renewal, event);
		at += sizeof *event + event->len;
	}
	if (has_changed)
		renewal->setting->changed(renewal->setting->user, NULL);
}

/* ------------------------------------------------------------------------------------- */

void rh_renewal_init(struct rh_renewal *renewal)
{
	renewal->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (renewal->watch >= 0)
		renewal->poll = rh_poll_open(renewal->setting->loop, renewal->watch,
		                             on_events, renewal);
	if (!renewal->poll)
		rh_journal_tell(renewal->setting->journal, "no inotify (%s): libraries"
		                " that are replaced are not noticed", strerror(errno));
}

void rh_renewal_fini(struct rh_renewal *renewal)
{
	rh_process_destroy(renewal->check);
	renewal->check = NULL;
	rh_poll_close(renewal->poll);
	renewal->poll = NULL;
	if (renewal->watch >= 0)
		close(renewal->watch);
	renewal->watch = -1;
}

void rh_renewal_turn(struct rh_renewal *renewal)
{
	if (!renewal->poll)
		return;
	watch_new(renewal);
	if (renewal->check && renewal->check->state == RH_LIFE_ENDED)
		conclude(renewal);
	check_next(renewal);
	renew_next(renewal);
}

bool rh_renewal_owns(const struct rh_renewal *renewal, pid_t pid)
{
	return renewal->check && renewal->check->spawned.pidfd >= 0 &&
	       renewal->check->spawned.pid == pid;
}
