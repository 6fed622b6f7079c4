#include "governed.h"

#include "../base/threads.h"
#include "../model/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LINE "rhodes-governed 1"

/* "policy flags nice priority runtime deadline period" */
#define ATTR_FORMAT "%" PRIu32 " %" PRIu32 " %" PRId32 " %" PRIu32 " %" PRIu64 " %" PRIu64 \
	" %" PRIu64
#define ATTR_SCAN "%" SCNu32 " %" SCNu32 " %" SCNd32 " %" SCNu32 " %" SCNu64 " %" SCNu64 \
	" %" SCNu64
#define ATTR_OF(attr) (attr).policy, (attr).flags, (attr).nice, (attr).priority, \
	(attr).runtime_ns, (attr).deadline_ns, (attr).period_ns
#define ATTR_INTO(attr) &(attr).policy, &(attr).flags, &(attr).nice, &(attr).priority, \
	&(attr).runtime_ns, &(attr).deadline_ns, &(attr).period_ns

void rh_governed_init(struct rh_governed *set)
{
	struct rh_sched_attr own;

	*set = (struct rh_governed){ 0 };
	if (rh_sched_get(0, &own) == 0 && own.policy == RH_CLASS_OTHER)
		set->slice_ns = own.runtime_ns;
}

static void free_process(struct rh_governed_process *process)
{
	free(process->threads);
	free(process->group);
	free(process);
}

void rh_governed_fini(struct rh_governed *set)
{
	for (unsigned i = 0; i < set->count; i++)
		free_process(set->at[i]);
	free(set->at);
	*set = (struct rh_governed){ 0 };
}

/* ---- processes -------------------------------------------------------------- */

static struct rh_governed_process *find(const struct rh_governed *set, pid_t pid)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (set->at[i]->pid == pid && !set->at[i]->is_ended)
			return set->at[i];
	}
	return NULL;
}

static int make_room(struct rh_governed *set)
{
	unsigned                     room = set->room ? set->room * 2 : 16;
	struct rh_governed_process **more;

	if (set->count < set->room)
		return RH_OK;
	more = realloc(set->at, room * sizeof(void *));
	if (!more)
		return RH_ENOMEM;
	set->at = more;
	set->room = room;
	return RH_OK;
}

static int has_ended(const struct rh_governed_process *process)
{
	struct rh_thread_stat stat;

	return rh_thread_stat(process->pid, process->pid, &stat) < 0 ||
	       stat.start != process->start || stat.state == 'X';
}

static void drop_ended(struct rh_governed *set)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < set->count; i++) {
		if (!set->at[i]->is_ended) {
			set->at[kept++] = set->at[i];
			continue;
		}
		set->threads -= set->at[i]->count;
		set->is_changed = 1;
		free_process(set->at[i]);
	}
	set->count = kept;
}

/* Those that ended make room. */
static void prune(struct rh_governed *set)
{
	for (unsigned i = 0; i < set->count; i++)
		set->at[i]->is_ended = has_ended(set->at[i]) != 0;
	drop_ended(set);
}

static struct rh_governed_process *add(struct rh_governed *set, pid_t pid, uint64_t start,
                                       int is_fiber)
{
	struct rh_governed_process *process;

	if (set->count == RH_GOVERNED_PROCESSES) {
		set->is_full = 1;
		return NULL;
	}
	process = calloc(1, sizeof *process);
	if (!process || make_room(set) < 0) {
		free(process);
		return NULL;
	}
	process->pid = pid;
	process->start = start;
	process->is_fiber = is_fiber != 0;
	set->at[set->count++] = process;
	set->is_changed = 1;
	return process;
}

int rh_governed_add(struct rh_governed *set, pid_t pid, int is_fiber)
{
	struct rh_governed_process *process = find(set, pid);
	struct rh_thread_stat       stat;

	if (rh_thread_stat(pid, pid, &stat) < 0)
		return RH_ENOENT;
	if (process && process->start == stat.start) {
		process->is_fiber |= is_fiber != 0;
		return RH_OK;
	}
	if (process)
		process->is_ended = 1;
	/* Each time as many came again as there were. */
	if ((set->count & (set->count - 1)) == 0)
		prune(set);
	if (!add(set, pid, stat.start, is_fiber))
		return set->is_full ? RH_ENOSPC : RH_ENOMEM;
	return RH_OK;
}

/* ---- looking ---------------------------------------------------------------- */

struct look {
	struct rh_governed         *set;
	struct rh_governed_process *process;
	rh_governed_is_ruled       *is_ruled;
	void                       *user;
};

static struct rh_governed_thread *find_thread(const struct rh_governed_process *process,
                                              pid_t tid, unsigned *ret_place)
{
	unsigned low = 0, high = process->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (process->threads[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_place = low;
	return low < process->count && process->threads[low].tid == tid
	     ? &process->threads[low] : NULL;
}

static int make_thread_room(struct rh_governed_process *process)
{
	unsigned                   room = process->room ? process->room * 2 : 4;
	struct rh_governed_thread *more;

	if (process->count < process->room)
		return RH_OK;
	more = realloc(process->threads, room * sizeof *more);
	if (!more)
		return RH_ENOMEM;
	process->threads = more;
	process->room = room;
	return RH_OK;
}

/* A slice that is the kernel's own is told as none. */
static int ask(const struct rh_governed *set, pid_t tid, struct rh_sched_attr *ret_attr)
{
	int r = rh_sched_get(tid, ret_attr);

	ret_attr->flags &= RH_SCHED_RESET_ON_FORK | RH_SCHED_RECLAIM;
	if (r == 0 && ret_attr->policy != RH_CLASS_DEADLINE &&
	    ret_attr->runtime_ns == set->slice_ns)
		ret_attr->runtime_ns = 0;
	return r;
}

/* What a thread that came has from its maker is not what it had before. */
static int find_before(const struct look *look, pid_t tid, struct rh_sched_attr *ret_before)
{
	struct rh_governed_process *process = look->process;
	int                         r = ask(look->set, tid, ret_before);

	if (r < 0)
		return r;
	if (process->is_known && look->is_ruled && look->is_ruled(look->user, ret_before))
		*ret_before = process->before;
	if (!process->is_known) {
		process->is_known = 1;
		process->before = *ret_before;
	}
	return 0;
}

static int see_thread(void *user, pid_t tid)
{
	struct look                *look = user;
	struct rh_governed         *set = look->set;
	struct rh_governed_process *process = look->process;
	struct rh_sched_attr        before;
	unsigned                    place;
	struct rh_governed_thread  *thread = find_thread(process, tid, &place);

	if (thread) {
		thread->is_seen = 1;
		return RH_OK;
	}
	if (set->threads == RH_GOVERNED_THREADS)
		set->is_full = 1;
	if (set->threads == RH_GOVERNED_THREADS || find_before(look, tid, &before) < 0 ||
	    make_thread_room(process) < 0)
		return RH_OK;
	memmove(&process->threads[place + 1], &process->threads[place],
	        (process->count - place) * sizeof process->threads[0]);
	process->threads[place] = (struct rh_governed_thread){
		.tid = tid, .is_seen = 1, .before = before,
	};
	process->count++;
	set->threads++;
	set->is_changed = 1;
	return RH_OK;
}

static void drop_unseen(struct rh_governed *set, struct rh_governed_process *process)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < process->count; i++) {
		if (process->threads[i].is_seen)
			process->threads[kept++] = process->threads[i];
	}
	set->is_changed |= kept != process->count;
	set->threads -= process->count - kept;
	process->count = kept;
}

/* A child has what its maker had before, and runs under the same carrier. */
static int see_child(void *user, pid_t pid)
{
	struct look                *look = user;
	struct rh_governed_process *parent = look->process, *child = find(look->set, pid);
	struct rh_thread_stat       stat;

	if (child)
		child->is_fiber |= parent->is_fiber; /* it attached by itself, too */
	if (child || rh_thread_stat(pid, pid, &stat) < 0)
		return RH_OK;
	child = add(look->set, pid, stat.start, parent->is_fiber);
	if (!child)
		return RH_OK;
	child->is_known = parent->is_known;
	child->before = parent->before;
	child->group = parent->group ? strdup(parent->group) : NULL;
	return RH_OK;
}

static void look_at(struct look *look)
{
	struct rh_governed_process *process = look->process;

	for (unsigned i = 0; i < process->count; i++)
		process->threads[i].is_seen = 0;
	if (rh_threads(process->pid, see_thread, look) < 0)
		process->is_ended = 1;
	drop_unseen(look->set, process);
	for (unsigned i = 0; i < process->count; i++)
		rh_thread_children(process->pid, process->threads[i].tid, see_child, look);
}

void rh_governed_look(struct rh_governed *set, rh_governed_is_ruled *is_ruled, void *user)
{
	struct look look = { .set = set, .is_ruled = is_ruled, .user = user };

	set->is_full = 0;
	for (unsigned i = 0; i < set->count; i++)
		set->at[i]->is_ended = has_ended(set->at[i]) != 0;
	for (unsigned i = 0; i < set->count; i++) { /* also those that it finds */
		look.process = set->at[i];
		if (!look.process->is_ended)
			look_at(&look);
	}
	drop_ended(set);
}

void rh_governed_release(struct rh_governed *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		set->at[i]->count = 0;
		set->at[i]->is_known = 0;
	}
	set->threads = 0;
	set->is_changed = 1;
}

/* ---- the file --------------------------------------------------------------- */

static void write_process(FILE *file, const struct rh_governed_process *process)
{
	fprintf(file, "process %d %" PRIu64 " %s %d " ATTR_FORMAT "\n", (int)process->pid,
	        process->start, process->is_fiber ? "fiber" : "host", process->is_known,
	        ATTR_OF(process->before));
	if (process->group)
		fprintf(file, "in %s\n", process->group);
	for (unsigned i = 0; i < process->count; i++) {
		const struct rh_governed_thread *thread = &process->threads[i];

		fprintf(file, "thread %d %d " ATTR_FORMAT "\n", (int)thread->tid,
		        thread->err_no, ATTR_OF(thread->before));
	}
}

int rh_governed_save(struct rh_governed *set, const char *path, const char *about)
{
	char  next[512];
	FILE *file;
	int   is_bad;

	if (snprintf(next, sizeof next, "%s.new", path) >= (int)sizeof next)
		return RH_EIO;
	file = fopen(next, "we");
	if (!file)
		return RH_EIO;
	fprintf(file, FIRST_LINE "\nrule %s\n", about);
	if (set->group[0])
		fprintf(file, "group %s\n", set->group);
	for (unsigned i = 0; i < set->count; i++)
		write_process(file, set->at[i]);
	is_bad = ferror(file);
	if (fclose(file) != 0 || is_bad || rename(next, path) < 0) {
		unlink(next);
		return RH_EIO;
	}
	set->is_changed = 0;
	return RH_OK;
}

static struct rh_governed_process *read_process(struct rh_governed *set, const char *line)
{
	struct rh_governed_process *process, read = { .threads = NULL };
	char                        carrier[8];
	int                         pid, is_known;

	if (sscanf(line, "process %d %" SCNu64 " %7s %d " ATTR_SCAN, &pid, &read.start,
	           carrier, &is_known, ATTR_INTO(read.before)) != 11)
		return NULL;
	read.pid = pid;
	if (has_ended(&read) || find(set, read.pid))
		return NULL;
	process = add(set, read.pid, read.start, strcmp(carrier, "fiber") == 0);
	if (process) {
		process->is_known = is_known != 0;
		process->before = read.before;
	}
	return process;
}

static void read_thread(struct rh_governed *set, struct rh_governed_process *process,
                        const char *line)
{
	struct rh_governed_thread thread = { .tid = 0 };
	int                       tid;
	unsigned                  place;

	if (sscanf(line, "thread %d %d " ATTR_SCAN, &tid, &thread.err_no,
	           ATTR_INTO(thread.before)) != 9)
		return;
	thread.tid = tid;
	if (find_thread(process, tid, &place) || place != process->count ||
	    set->threads == RH_GOVERNED_THREADS || make_thread_room(process) < 0)
		return;
	process->threads[process->count++] = thread;
	set->threads++;
}

void rh_governed_load(struct rh_governed *set, const char *path)
{
	struct rh_governed_process *process = NULL;
	char                        line[RH_CGROUP_PATH + 64];
	FILE                       *file = fopen(path, "re");

	if (!file)
		return;
	if (fgets(line, sizeof line, file) && strcmp(line, FIRST_LINE "\n") == 0) {
		while (fgets(line, sizeof line, file)) {
			line[strcspn(line, "\n")] = '\0';
			if (strncmp(line, "group ", 6) == 0 &&
			    strlen(line + 6) < sizeof set->group)
				strcpy(set->group, line + 6);
			else if (strncmp(line, "process ", 8) == 0)
				process = read_process(set, line);
			else if (process && strncmp(line, "in ", 3) == 0 && !process->group)
				process->group = strdup(line + 3);
			else if (process && strncmp(line, "thread ", 7) == 0)
				read_thread(set, process, line);
		}
	}
	fclose(file);
}
