#include "pool.h"

#include "channel.h"

#include "../base/diag.h"
#include "../base/log.h"
#include "../base/ready.h"
#include "../model/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_NAME         "agents"
#define BACKOFF_FIRST_MS 500u
#define BACKOFF_MAX_MS   10000u

enum state { WAITING, OPEN, LEAVING };

struct member {
	struct rh_list  link;
	struct rh_pool *pool;
	enum state      state;
	int             is_wanted;
	int             was_said;  /* that it failed */
	struct rh_agent agent;
	char            resource[RH_NAME_MAX + 1];
};

/* ---- members ---------------------------------------------------------------- */

static void open_member(struct member *member);
static void on_retry(uv_timer_t *timer);

static void retry_later(struct rh_pool *pool)
{
	if (uv_is_active((uv_handle_t *)&pool->retry))
		return;
	uv_update_time(pool->place.loop);
	uv_timer_start(&pool->retry, on_retry, pool->backoff_ms, 0);
}

/* The agent has left: what becomes of its place. */
static void on_left(void *user, struct rh_agent *agent)
{
	struct member *member = user;

	(void)agent;
	rh_log_as(LOG_NAME);
	member->state = WAITING;
	if (!member->is_wanted) {
		rh_list_remove(&member->link);
		free(member);
	} else if (!member->was_said) {
		open_member(member); /* the name came back meanwhile */
	} else {
		retry_later(member->pool);
	}
}

static void leave(struct member *member)
{
	member->state = LEAVING;
	rh_ready_agent(member->resource, 0);
	rh_leave_begin(&member->agent, on_left, member);
	rh_log_as(LOG_NAME);
}

static void open_member(struct member *member)
{
	struct rh_diag diag = { .text = "out of memory" };
	int            r = rh_agent_open(&member->agent, &member->pool->place,
	                                 member->resource, &diag);

	if (r == RH_OK) {
		member->state = OPEN;
		member->was_said = 0;
		rh_ready_agent(member->resource, 1);
	} else {
		if (!member->was_said)
			rh_error("it cannot work, and is tried again: %s", diag.text);
		member->was_said = 1;
		leave(member);
	}
	rh_log_as(LOG_NAME);
}

static void on_retry(uv_timer_t *timer)
{
	struct rh_pool *pool = timer->data;

	rh_log_as(LOG_NAME);
	pool->backoff_ms = pool->backoff_ms * 2 < BACKOFF_MAX_MS ? pool->backoff_ms * 2
	                                                         : BACKOFF_MAX_MS;
	RH_LIST_EACH(node, &pool->members) {
		struct member *member = RH_CONTAINER(node, struct member, link);

		if (member->state == WAITING)
			open_member(member);
	}
}

/* ---- the file --------------------------------------------------------------- */

struct names {
	char    *text;
	char   **at;
	unsigned count;
};

static void names_fini(struct names *names)
{
	free(names->text);
	free(names->at);
	*names = (struct names){ 0 };
}

/* Why it is no file of names, or NULL. */
static const char *check_file(int fd, struct stat *ret_st)
{
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return strerror(errno);
	if (!S_ISREG(ret_st->st_mode))
		return "it is no regular file";
	return ret_st->st_size > (off_t)RH_POOL_FILE_BYTES ? "it is larger than 1 MiB"
	                                                    : NULL;
}

/* Without waiting: whoever puts a FIFO there would hold up all agents. */
static int read_file(const char *path, char **ret_text, struct rh_diag *diag)
{
	int         fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	size_t      used = 0;
	ssize_t     n = -1;
	const char *why = check_file(fd, &st);
	char       *text = why ? NULL : malloc((size_t)st.st_size + 1);

	while (text && (n = read(fd, text + used, (size_t)st.st_size - used)) > 0)
		used += (size_t)n;
	if (n < 0 && !why)
		why = strerror(errno);
	if (!why && memchr(text, 0, used))
		why = "there is a NUL in it";
	if (fd >= 0)
		close(fd);
	if (why) {
		free(text);
		return rh_diag_set(diag, RH_EIO, "%s cannot be read: %s", path, why);
	}
	text[used] = 0;
	*ret_text = text;
	return RH_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_doubles(struct names *names)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < names->count; i++) {
		if (kept == 0 || strcmp(names->at[kept - 1], names->at[i]) != 0)
			names->at[kept++] = names->at[i];
	}
	names->count = kept;
}

static int split(const struct rh_pool *pool, struct names *names, struct rh_diag *diag)
{
	char *rest = names->text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (line[0] == 0 || line[0] == '#')
			continue;
		if (rh_name_check(line, strlen(line)) < 0)
			return rh_diag_set(diag, RH_EPROTO, "\"%.80s\" in %s is no name of a"
			                   " resource", line, pool->file);
		if (names->count == RH_POOL_AGENTS)
			return rh_diag_set(diag, RH_ENOSPC, "%s names more than %u"
			                   " resources", pool->file, RH_POOL_AGENTS);
		names->at[names->count++] = line;
	}
	qsort(names->at, names->count, sizeof *names->at, by_name);
	drop_doubles(names);
	return RH_OK;
}

/* Who writes it in place may have it empty for a moment: that ends no agent. */
static int read_names(const struct rh_pool *pool, struct names *names,
                      struct rh_diag *diag)
{
	size_t len;
	int    r;

	*names = (struct names){ 0 };
	if ((r = read_file(pool->file, &names->text, diag)) < 0)
		return r;
	len = strlen(names->text);
	names->at = malloc(RH_POOL_AGENTS * sizeof *names->at);
	if (!names->at)
		r = rh_diag_set(diag, RH_ENOMEM, "no memory for names");
	else if (len == 0 || names->text[len - 1] != '\n')
		r = rh_diag_set(diag, RH_EPROTO, "%s does not end with the end of a line; a"
		                " file without names has one with a #", pool->file);
	else
		r = split(pool, names, diag);
	if (r < 0)
		names_fini(names);
	return r;
}

/* ---- following it ------------------------------------------------------------ */

static struct member *create(struct rh_pool *pool, const char *name)
{
	struct member *member = calloc(1, sizeof *member);

	if (!member) {
		rh_error("no memory for the agent of %s", name);
		return NULL;
	}
	member->pool = pool;
	member->is_wanted = 1;
	strcpy(member->resource, name);
	return member;
}

static void want_not(struct member *member)
{
	if (!member->is_wanted)
		return;
	member->is_wanted = 0;
	rh_info("the agent of %s leaves: its name is not in the pool any more",
	        member->resource);
	if (member->state == OPEN)
		leave(member);
	else if (member->state == WAITING)
		on_left(member, &member->agent);
}

/* Both are sorted: one walk. */
static void follow(struct rh_pool *pool, const struct names *names)
{
	struct rh_list *node = pool->members.next;
	unsigned        i = 0;

	while (node != &pool->members || i < names->count) {
		struct member *member = RH_CONTAINER(node, struct member, link);
		int order = node == &pool->members ? 1 : i == names->count ? -1
		          : strcmp(member->resource, names->at[i]);

		if (order > 0) {
			if ((member = create(pool, names->at[i++]))) {
				rh_list_add(node, &member->link); /* before it */
				open_member(member);
			}
			continue;
		}
		node = node->next;
		if (order < 0) {
			want_not(member);
		} else {
			member->is_wanted = 1;
			i++;
		}
	}
}

static int reread(struct rh_pool *pool, struct rh_diag *diag)
{
	struct names names;
	int          r = read_names(pool, &names, diag);

	if (r < 0)
		return r;
	pool->backoff_ms = BACKOFF_FIRST_MS;
	rh_info("%s names %u resources", pool->file, names.count);
	follow(pool, &names);
	names_fini(&names);
	return RH_OK;
}

static void on_changed(uv_fs_event_t *watch, const char *name, int events, int status)
{
	struct rh_pool *pool = watch->data;
	struct rh_diag  diag;

	(void)events;
	rh_log_as(LOG_NAME);
	if (status < 0 || !name || strcmp(name, pool->base) != 0)
		return;
	if (reread(pool, &diag) < 0)
		rh_error("the pool stays as it was: %s", diag.text);
}

/* ---- opening and closing ------------------------------------------------------ */

/* The folder, because the file is another one each time. */
static int watch(struct rh_pool *pool, struct rh_diag *diag)
{
	const char *slash = strrchr(pool->file, '/');
	int         len = slash ? (int)(slash - pool->file) : 0;

	pool->base = slash ? slash + 1 : pool->file;
	if (snprintf(pool->dir, sizeof pool->dir, "%.*s", len, pool->file) >=
	    (int)sizeof pool->dir)
		return rh_diag_set(diag, RH_EMSGSIZE, "the path of the pool is too long");
	if (!slash || len == 0)
		strcpy(pool->dir, slash ? "/" : ".");
	pool->watch.data = pool;
	if (uv_fs_event_init(pool->place.loop, &pool->watch) < 0 ||
	    uv_fs_event_start(&pool->watch, on_changed, pool->dir, 0) < 0)
		return rh_diag_set(diag, RH_EIO, "cannot watch %s", pool->dir);
	return RH_OK;
}

int rh_pool_open(struct rh_pool *pool, const struct rh_place *place, const char *file,
                 struct rh_diag *diag)
{
	int r;

	*pool = (struct rh_pool){ .place = *place, .file = file };
	rh_log_as(LOG_NAME);
	rh_list_init(&pool->members);
	if (uv_timer_init(place->loop, &pool->retry) < 0)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a pool");
	pool->retry.data = pool;
	r = watch(pool, diag);
	return r < 0 ? r : reread(pool, diag);
}

void rh_pool_close(struct rh_pool *pool)
{
	RH_LIST_EACH(node, &pool->members) {
		struct member *member = RH_CONTAINER(node, struct member, link);

		if (member->state == OPEN)
			rh_agent_close(&member->agent);
		else if (member->state == LEAVING)
			rh_channels_end(&member->agent);
	}
}
