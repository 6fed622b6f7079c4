#include "cache.h"

#include "agent.h"
#include "leave.h"
#include "result.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"
#include "../model/error.h"
#include "../wire/frame.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOUCH_NS (30u * RH_NS_PER_S) /* no more often than that */

_Static_assert(sizeof(struct rh_cache_head) == 192, "file");
_Static_assert(crypto_generichash_BYTES == RH_CACHE_HASH, "file");

/* One file to write; the thread has nothing else. */
struct save {
	uv_work_t       work;
	struct rh_agent *agent;
	unsigned char   *bytes;
	size_t           len;
	uint64_t         heard_ns;
	int              which;   /* 0: view.a */
	int              err_no;  /* what went wrong */
	char             dir[PATH_MAX];
};

struct rh_cache {
	char         dir[PATH_MAX];
	char         boot[RH_BOOT_ID_LEN + 4];
	uint64_t     number;     /* of the last generation written or found */
	uint64_t     touched_ns;
	struct save *save;       /* H1 */
	int          is_wanted;
	int          is_failing; /* was said */
};

static const char *const names[2] = { "view.a", "view.b" };

static int join(char *path, const char *dir, const char *name, const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix);

	return n < 0 || n >= PATH_MAX ? RH_EMSGSIZE : RH_OK;
}

static void hash_file(const struct rh_cache_head *head, const unsigned char *records,
                      size_t len, unsigned char *ret_hash)
{
	struct rh_cache_head     bare = *head;
	crypto_generichash_state state;

	memset(bare.hash, 0, sizeof bare.hash);
	crypto_generichash_init(&state, NULL, 0, RH_CACHE_HASH);
	crypto_generichash_update(&state, (const unsigned char *)&bare, sizeof bare);
	crypto_generichash_update(&state, records, len);
	crypto_generichash_final(&state, ret_hash, RH_CACHE_HASH);
}

/* ---- loading ------------------------------------------------------------ */

struct found {
	unsigned char  *bytes;
	size_t          len;
	struct timespec changed;
	struct timespec heard;
};

static int read_whole(int fd, struct found *found)
{
	struct stat st;
	size_t      used = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return RH_EIO;
	if ((size_t)st.st_size < sizeof(struct rh_cache_head) ||
	    (size_t)st.st_size > RH_CACHE_MAX)
		return RH_EPROTO;
	found->len = (size_t)st.st_size;
	found->changed = st.st_mtim;
	found->heard = st.st_atim;
	found->bytes = malloc(found->len);
	if (!found->bytes)
		return RH_ENOMEM;
	while (used < found->len) {
		ssize_t n = read(fd, found->bytes + used, found->len - used);

		if (n <= 0)
			return RH_EIO;
		used += (size_t)n;
	}
	return RH_OK;
}

/* RH_EVERSION: it is whole, and of a format that is none of ours. */
static int check_file(const struct found *found, struct rh_cache_head *ret_head)
{
	unsigned char hash[RH_CACHE_HASH];

	memcpy(ret_head, found->bytes, sizeof *ret_head);
	if (memcmp(ret_head->magic, RH_CACHE_MAGIC, sizeof ret_head->magic) != 0)
		return RH_EPROTO;
	if (ret_head->version == 0 || ret_head->version > RH_CACHE_VERSION)
		return RH_EVERSION;
	if (ret_head->head_len != sizeof *ret_head ||
	    ret_head->len != found->len - sizeof *ret_head ||
	    memchr(ret_head->boot, 0, sizeof ret_head->boot) == NULL ||
	    memchr(ret_head->system, 0, sizeof ret_head->system) == NULL)
		return RH_EPROTO;
	hash_file(ret_head, found->bytes + sizeof *ret_head, (size_t)ret_head->len, hash);
	return memcmp(hash, ret_head->hash, sizeof hash) == 0 ? RH_OK : RH_EPROTO;
}

static int read_item(const struct rh_record *record, const char *resource,
                     struct rh_items *items)
{
	struct rh_item *item;
	struct rh_diag  diag;
	int             r = rh_item_read(record, resource, &item, &diag);

	if (r == RH_OK) {
		r = rh_items_put(items, item);
		rh_item_unref(item);
	}
	return r;
}

static int read_records(const struct found *found, const char *resource,
                        struct rh_items *items, struct rh_floors *floors)
{
	struct rh_record_reader reader;
	struct rh_record        record;
	int                     more, r = RH_OK;

	rh_record_read(&reader, found->bytes + sizeof(struct rh_cache_head),
	               found->len - sizeof(struct rh_cache_head));
	while (r == RH_OK && (more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag == RH_TAG_FLOOR_ITEM)
			r = rh_floors_read(floors, &record);
		else if (record.tag == RH_TAG_ITEM)
			r = read_item(&record, resource, items);
		else
			r = RH_EPROTO;
	}
	return r == RH_OK && more < 0 ? RH_EPROTO : r;
}

/* H2: of this boot, as long as nobody else read the file. */
static uint64_t age_of(const struct found *found, int is_other_boot)
{
	const struct timespec *heard = &found->heard;
	struct timespec        now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!is_other_boot && heard->tv_sec <= now.tv_sec)
		return (uint64_t)(now.tv_sec - heard->tv_sec) * 1000u;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec < found->changed.tv_sec) /* the clock was set back */
		return 0;
	return (uint64_t)(now.tv_sec - found->changed.tv_sec) * 1000u;
}

/* Reading must not change the times; only the owner may ask for that. */
static int open_file(const char *path)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? open(path, flags) : fd;
}

/* Reads generation which into *cached when it is newer than *number. */
static int load_one(struct rh_agent *agent, int which, uint64_t *number,
                    struct rh_cached *cached)
{
	struct rh_cache_head head;
	struct rh_items      items = { 0 };
	struct rh_floors     floors = { 0 };
	struct found         found = { 0 };
	char                 path[PATH_MAX];
	int                  fd, r = join(path, agent->cache->dir, names[which], "");

	if (r < 0 || (fd = open_file(path)) < 0)
		return RH_ENOENT;
	r = read_whole(fd, &found);
	close(fd);
	if (r == RH_OK && (r = check_file(&found, &head)) == RH_OK)
		r = read_records(&found, agent->resource, &items, &floors);
	if (r == RH_OK && head.number > *number) {
		rh_items_fini(&cached->items);
		rh_floors_fini(&cached->floors);
		*number = head.number;
		cached->items = items;
		cached->floors = floors;
		cached->revision = head.revision;
		cached->is_other_boot = strcmp(head.boot, agent->cache->boot) != 0;
		cached->age_ms = age_of(&found, cached->is_other_boot);
		memcpy(cached->store, head.store, sizeof cached->store);
		memcpy(cached->system, head.system, sizeof cached->system);
	} else {
		rh_items_fini(&items);
		rh_floors_fini(&floors);
	}
	free(found.bytes);
	return r;
}

static void set_aside(struct rh_agent *agent, int which)
{
	char path[PATH_MAX], aside[PATH_MAX];

	if (join(path, agent->cache->dir, names[which], "") < 0 ||
	    join(aside, agent->cache->dir, names[which], ".corrupt") < 0)
		return;
	if (rename(path, aside) == 0)
		rh_error("the cache %s is damaged: set aside as %s", path, aside);
}

int rh_cache_load(struct rh_agent *agent, struct rh_cached *ret_cached)
{
	uint64_t number = 0;

	*ret_cached = (struct rh_cached){ 0 };
	if (!agent->cache->dir[0])
		return RH_ENOENT;
	for (int which = 0; which < 2; which++) {
		int r = load_one(agent, which, &number, ret_cached);

		if (r == RH_EPROTO)
			set_aside(agent, which);
		else if (r < 0 && r != RH_ENOENT)
			rh_warn("the cache %s/%s is not used: %s", agent->cache->dir,
			        names[which], rh_error_text(r));
	}
	agent->cache->number = number;
	return number ? RH_OK : RH_ENOENT;
}

/* ---- saving ------------------------------------------------------------- */

static int make_directories(const char *dir)
{
	char  path[PATH_MAX];
	char *slash = path;

	snprintf(path, sizeof path, "%s", dir);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int write_all(int fd, const unsigned char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* H2 */
static void times_of(uint64_t heard_ns, struct timespec times[2])
{
	times[0] = (struct timespec){
		.tv_sec = (time_t)(heard_ns / RH_NS_PER_S),
		.tv_nsec = (long)(heard_ns % RH_NS_PER_S),
	};
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec -= (time_t)((rh_clock_ns() - heard_ns) / RH_NS_PER_S);
}

static int sync_directory(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

static int write_file(const struct save *save)
{
	char            path[PATH_MAX], beside[PATH_MAX];
	struct timespec times[2];
	int             fd, r;

	if (join(path, save->dir, names[save->which], "") < 0 ||
	    join(beside, save->dir, names[save->which], ".new") < 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (make_directories(save->dir) < 0)
		return -1;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	r = write_all(fd, save->bytes, save->len);
	times_of(save->heard_ns, times);
	(void)futimens(fd, times);
	if (r == 0)
		r = fsync(fd);
	close(fd);
	if (r < 0 || rename(beside, path) < 0) {
		int err_no = errno;

		unlink(beside);
		errno = err_no;
		return -1;
	}
	return sync_directory(save->dir);
}

static void on_work(uv_work_t *work)
{
	struct save *save = RH_CONTAINER(work, struct save, work);

	save->err_no = write_file(save) < 0 ? errno : 0;
}

static void start(struct rh_agent *agent);

static void on_done(uv_work_t *work, int status)
{
	struct save     *save = RH_CONTAINER(work, struct save, work);
	struct rh_agent *agent = save->agent;
	struct rh_cache *cache = agent->cache;

	(void)status;
	rh_log_as(agent->name);
	if (save->err_no && !cache->is_failing)
		rh_error("the rules in force cannot be saved to %s: %s; they would be "
		         "lost if the agent were restarted while the center is away, and "
		         "so would be which modules are too old",
		         save->dir, strerror(save->err_no));
	cache->is_failing = save->err_no != 0;
	if (!save->err_no)
		cache->number++;
	free(save->bytes);
	free(save);
	cache->save = NULL;
	if (cache->is_wanted)
		start(agent);
	else
		rh_leave_go_on(agent);
}

/* An item that is not in force yet, or was rejected, is not what an agent should
 * start with: the former is, and then the whole is of no revision. */
static int collect(const struct rh_agent *agent, struct save *save)
{
	struct rh_cache_head    head = {
		.magic = RH_CACHE_MAGIC, .version = RH_CACHE_VERSION,
		.head_len = sizeof head, .number = agent->cache->number + 1,
		.revision = agent->view->revision,
	};
	size_t                  len = sizeof head + rh_floors_bytes(&agent->floors);
	struct rh_record_writer writer;

	for (unsigned i = 0; i < agent->items.count; i++)
		len += 8u + rh_item_in_force(agent->items.at[i])->len;
	save->bytes = malloc(len);
	if (!save->bytes)
		return RH_ENOMEM;
	rh_record_begin(&writer, save->bytes + sizeof head, len - sizeof head);
	for (unsigned i = 0; i < agent->items.count; i++) {
		const struct rh_item *item = rh_item_in_force(agent->items.at[i]);

		if (item != agent->items.at[i] || item->has_none)
			head.revision = 0;
		rh_record_put(&writer, RH_TAG_ITEM, item->bytes, item->len);
	}
	rh_floors_write(&agent->floors, &writer);
	if (rh_results_have(agent, RH_ITEM_REJECTED))
		head.revision = 0;
	memcpy(head.store, agent->follow.store, sizeof head.store);
	memcpy(head.boot, agent->cache->boot, sizeof head.boot);
	memcpy(head.system, agent->view->system, sizeof head.system);
	head.len = writer.used;
	hash_file(&head, save->bytes + sizeof head, writer.used, head.hash);
	memcpy(save->bytes, &head, sizeof head);
	save->len = sizeof head + writer.used;
	return RH_OK;
}

static void start(struct rh_agent *agent)
{
	struct rh_cache *cache = agent->cache;
	struct save     *save = calloc(1, sizeof *save);

	cache->is_wanted = 0;
	if (!save || collect(agent, save) < 0) {
		rh_error("no memory to save the rules in force");
		free(save);
		return;
	}
	save->agent = agent;
	save->heard_ns = agent->heard_ns;
	save->which = (int)((cache->number + 1) & 1);
	memcpy(save->dir, cache->dir, sizeof save->dir);
	if (uv_queue_work(agent->loop, &save->work, on_work, on_done) < 0) {
		free(save->bytes);
		free(save);
		return;
	}
	cache->save = save;
}

void rh_cache_save(struct rh_agent *agent)
{
	if (!agent->cache->dir[0] || !agent->view)
		return;
	agent->cache->is_wanted = 1;
	if (!agent->cache->save)
		start(agent);
}

void rh_cache_touch(struct rh_agent *agent)
{
	struct rh_cache *cache = agent->cache;
	uint64_t         now = rh_clock_ns();
	char             path[PATH_MAX];
	struct timespec  times[2];

	if (!cache->dir[0] || cache->number == 0 || now - cache->touched_ns < TOUCH_NS)
		return;
	cache->touched_ns = now;
	times_of(agent->heard_ns, times);
	if (join(path, cache->dir, names[cache->number & 1], "") == RH_OK)
		(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* ---- opening and closing ------------------------------------------------ */

static void read_boot(char *boot)
{
	int     fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, boot, RH_BOOT_ID_LEN);

	if (n != (ssize_t)RH_BOOT_ID_LEN)
		snprintf(boot, RH_BOOT_ID_LEN, "unknown");
	if (fd >= 0)
		close(fd);
}

int rh_cache_open(struct rh_agent *agent, const char *dir, struct rh_diag *diag)
{
	struct rh_cache *cache = calloc(1, sizeof *cache);

	if (!cache || sodium_init() < 0) {
		free(cache);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for the cache");
	}
	agent->cache = cache;
	read_boot(cache->boot);
	if (dir && snprintf(cache->dir, sizeof cache->dir, "%s/agent/%s", dir,
	                    agent->resource) >= (int)sizeof cache->dir - 32)
		return rh_diag_set(diag, RH_EMSGSIZE, "the state directory's path is too "
		                   "long: %.80s", dir);
	return RH_OK;
}

void rh_cache_close(struct rh_agent *agent)
{
	while (agent->cache->save)
		uv_run(agent->loop, UV_RUN_ONCE);
}

int rh_cache_is_saving(const struct rh_agent *agent)
{
	return agent->cache->save != NULL;
}

void rh_cache_free(struct rh_agent *agent)
{
	free(agent->cache);
	agent->cache = NULL;
}
