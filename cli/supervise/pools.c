#include "pools.h"

#include "crew.h"

#include "../../base/diag.h"
#include "../../base/dirs.h"
#include "../../model/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TASK   "agents-" /* no resource has such a name */
#define NOBODY "# nobody\n"

void rh_pools_fini(struct rh_pools *pools)
{
	for (unsigned i = 0; i < pools->text_count; i++)
		free(pools->texts[i]);
	free(pools->texts);
	free(pools->places);
	*pools = (struct rh_pools){ .most = 0 };
}

/* --- places -------------------------------------------------------------------- */

/* The first whose name is not below. */
static size_t at_or_behind(const struct rh_pools *pools, const char *resource)
{
	size_t low = 0, high = pools->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(pools->places[middle].resource, resource) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct rh_pool_place *find(const struct rh_pools *pools, const char *resource)
{
	size_t at = at_or_behind(pools, resource);

	if (at < pools->count && strcmp(pools->places[at].resource, resource) == 0)
		return &pools->places[at];
	return NULL;
}

static size_t size_of(const struct rh_pools *pools, unsigned pool)
{
	size_t size = 0;

	for (size_t i = 0; i < pools->count; i++)
		size += pools->places[i].pool == pool;
	return size;
}

/* The first pool with room; *hint is one that has none before it. */
static unsigned choose(const struct rh_pools *pools, unsigned *hint)
{
	while (size_of(pools, *hint) >= pools->most)
		(*hint)++;
	return *hint;
}

static int add(struct rh_pools *pools, const char *resource, unsigned *hint)
{
	size_t at = at_or_behind(pools, resource);

	if (pools->count == pools->room) {
		size_t                room = pools->room ? pools->room * 2 : 64;
		struct rh_pool_place *more = realloc(pools->places, room * sizeof *more);

		if (!more)
			return RH_ENOMEM;
		pools->places = more;
		pools->room = room;
	}
	struct rh_pool_place place = { .pool = choose(pools, hint), .is_wanted = true };
	if (place.pool >= RH_POOLS_MAX)
		return RH_ENOSPC;
	snprintf(place.resource, sizeof place.resource, "%s", resource);
	memmove(&pools->places[at + 1], &pools->places[at],
	        (pools->count - at) * sizeof place);
	pools->places[at] = place;
	pools->count++;
	RH_CHECK(at + 1 == pools->count ||
	         strcmp(resource, pools->places[at + 1].resource) < 0); /* O1 */
	return RH_OK;
}

static int place_all(struct rh_pools *pools, const struct rh_plan *plan)
{
	unsigned hint = 0;
	int      r = RH_OK;

	for (size_t i = 0; i < pools->count; i++)
		pools->places[i].is_wanted = false;
	for (size_t i = 0; i < plan->count && r == RH_OK; i++) {
		const struct rh_task *task = &plan->tasks[i];
		struct rh_pool_place *place = task->role == RH_TASK_AGENT
		                              ? find(pools, task->resource) : NULL;

		if (place)
			place->is_wanted = true;
		else if (task->role == RH_TASK_AGENT)
			r = add(pools, task->resource, &hint);
	}
	return r;
}

/* --- the plan -------------------------------------------------------------------- */

static void file_of(const struct rh_pools *pools, unsigned pool, const char *suffix,
                    char path[RH_DIR_MAX + 48])
{
	snprintf(path, RH_DIR_MAX + 48, "%s/agent/pool.%u%s", pools->paths.run_dir, pool,
	         suffix);
}

static void make_task(const struct rh_pools *pools, unsigned pool, struct rh_task *task)
{
	char path[RH_DIR_MAX + 48];

	file_of(pools, pool, "", path);
	rh_task_init(task, RH_TASK_AGENT, "");
	snprintf(task->name, sizeof task->name, TASK "%u", pool);
	task->says_ready = true;
	rh_task_arg(task, pools->paths.agent);
	rh_task_arg(task, "--run-dir");
	rh_task_arg(task, pools->paths.run_dir);
	rh_task_arg(task, "--state-dir");
	rh_task_arg(task, pools->paths.state_dir);
	rh_task_arg(task, "--pool");
	rh_task_arg(task, path);
}

static unsigned pool_count(const struct rh_pools *pools)
{
	unsigned count = 0;

	for (size_t i = 0; i < pools->count; i++) {
		if (pools->places[i].pool >= count)
			count = pools->places[i].pool + 1;
	}
	return count;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rh_task *)a)->name,
	              ((const struct rh_task *)b)->name);
}

/* Every pool has been given a name, so there are no more of them than of agents. */
static int put_pools(const struct rh_pools *pools, struct rh_plan *plan)
{
	unsigned        count = pool_count(pools);
	struct rh_task *tasks = calloc(plan->count + count + 1, sizeof *tasks);
	size_t          kept = 0;

	if (!tasks)
		return RH_ENOMEM;
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tasks[i].role == RH_TASK_AGENT)
			rh_task_fini(&plan->tasks[i]);
		else
			tasks[kept++] = plan->tasks[i];
	}
	for (unsigned pool = 0; pool < count; pool++) {
		if (size_of(pools, pool) > 0)
			make_task(pools, pool, &tasks[kept++]);
	}
	free(plan->tasks);
	plan->tasks = tasks;
	plan->count = kept;
	qsort(plan->tasks, plan->count, sizeof *plan->tasks, by_name);
	return RH_OK;
}

int rh_pools_take(struct rh_pools *pools, struct rh_plan *plan, struct rh_diag *diag)
{
	int r;

	if (pools->most == 0)
		return RH_OK;
	r = place_all(pools, plan);
	if (r == RH_OK)
		r = put_pools(pools, plan);
	return r < 0 ? rh_diag_set(diag, r, "no room for a pool of agents") : RH_OK;
}

/* --- the files --------------------------------------------------------------------- */

static int write_file(const struct rh_pools *pools, unsigned pool, const char *text,
                      struct rh_diag *diag)
{
	char   path[RH_DIR_MAX + 48], beside[RH_DIR_MAX + 48];
	size_t len = strlen(text);
	int    fd;

	snprintf(path, sizeof path, "%s/agent", pools->paths.run_dir);
	mkdir(path, 0755);
	file_of(pools, pool, "", path);
	file_of(pools, pool, ".new", beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0) {
		ssize_t n = write(fd, text, len);
		bool    is_whole = n == (ssize_t)len;

		if (n >= 0 && !is_whole)
			errno = ENOSPC;
		if (close(fd) == 0 && is_whole && rename(beside, path) == 0)
			return RH_OK;
	}
	rh_diag_set(diag, RH_EIO, "%s cannot be written: %s", path, strerror(errno));
	unlink(beside);
	return RH_EIO;
}

/* The names of a pool; NULL when out of memory. */
static char *make_text(const struct rh_pools *pools, unsigned pool)
{
	size_t size = size_of(pools, pool) * (RH_NAME_MAX + 1) + sizeof NOBODY;
	char  *text = malloc(size), *at = text;

	if (!text)
		return NULL;
	*at = '\0';
	for (size_t i = 0; i < pools->count; i++) {
		if (pools->places[i].pool == pool)
			at += sprintf(at, "%s\n", pools->places[i].resource);
	}
	if (at == text)
		strcpy(text, NOBODY);
	return text;
}

static int make_room(struct rh_pools *pools, unsigned count)
{
	char **more;

	if (count <= pools->text_count)
		return RH_OK;
	more = realloc(pools->texts, count * sizeof *more);
	if (!more)
		return RH_ENOMEM;
	pools->texts = more;
	while (pools->text_count < count)
		pools->texts[pools->text_count++] = NULL;
	return RH_OK;
}

static int renew_file(struct rh_pools *pools, unsigned pool, struct rh_diag *diag)
{
	char *text = make_text(pools, pool);
	int   r;

	if (!text)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	if (pools->texts[pool] && strcmp(text, pools->texts[pool]) == 0) {
		free(text);
		return RH_OK;
	}
	r = write_file(pools, pool, text, diag);
	free(pools->texts[pool]);
	pools->texts[pool] = r < 0 ? NULL : text;
	if (r < 0)
		free(text);
	return r;
}

/* Those whose resource is gone, and its instances too. */
static void forget(struct rh_pools *pools, const struct rh_crew *crew)
{
	size_t kept = 0;

	for (size_t i = 0; i < pools->count; i++) {
		if (pools->places[i].is_wanted ||
		    rh_crew_has_instances(crew, pools->places[i].resource))
			pools->places[kept++] = pools->places[i];
	}
	pools->count = kept;
}

int rh_pools_write(struct rh_pools *pools, const struct rh_crew *crew,
                   struct rh_diag *diag)
{
	unsigned count;

	if (pools->most == 0)
		return RH_OK;
	forget(pools, crew);
	count = pool_count(pools);
	if (make_room(pools, count) < 0)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	for (unsigned pool = 0; pool < pools->text_count; pool++) {
		int r = renew_file(pools, pool, diag);

		if (r < 0)
			return r;
	}
	return RH_OK;
}

/* --- what the processes say ------------------------------------------------------------ */

static bool number_of(const char *task, unsigned *ret_pool)
{
	return strncmp(task, TASK, sizeof TASK - 1) == 0 &&
	       sscanf(task + sizeof TASK - 1, "%u", ret_pool) == 1;
}

bool rh_pools_read(struct rh_pools *pools, const char *task, const char *line, size_t len)
{
	char                  text[RH_NAME_MAX + 32], name[RH_NAME_MAX + 1], word[8];
	struct rh_pool_place *place;
	unsigned              pool;

	if (!number_of(task, &pool) || len >= sizeof text)
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	if (sscanf(text, "agent %63s %7s", name, word) != 2 ||
	    (strcmp(word, "open") != 0 && strcmp(word, "gone") != 0))
		return false;
	place = find(pools, name);
	if (place && place->pool == pool)
		place->is_open = word[0] == 'o';
	return true;
}

void rh_pools_lost(struct rh_pools *pools, const char *task)
{
	unsigned pool;

	if (!number_of(task, &pool))
		return;
	for (size_t i = 0; i < pools->count; i++) {
		if (pools->places[i].pool == pool)
			pools->places[i].is_open = false;
	}
}

bool rh_pools_is_open(const struct rh_pools *pools, const char *resource)
{
	const struct rh_pool_place *place = find(pools, resource);

	return place && place->is_open;
}
