#include "doctor.h"

#include "../show.h"

#include "../../agent/cache.h"
#include "../../agent/counters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CORRUPT  ".corrupt"
#define AGAIN_MS 500 /* a save may be under way */

/* --- a generation ---------------------------------------------------------------------
 */

static unsigned char *read_file(const char *path, size_t *ret_len)
{
	int            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned char *bytes = NULL;
	struct stat    st;
	size_t         used = 0;
	ssize_t        n = 1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= (off_t)RH_CACHE_MAX)
		bytes = malloc((size_t)st.st_size);
	while (bytes && used < (size_t)st.st_size && n > 0) {
		n = read(fd, bytes + used, (size_t)st.st_size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	*ret_len = used;
	return bytes;
}

/* As the agent verifies it at its start. */
static bool is_whole(const unsigned char *bytes, size_t len, struct rh_cache_head *head)
{
	unsigned char            hash[RH_CACHE_HASH];
	crypto_generichash_state state;
	struct rh_cache_head     bare;

	if (len < sizeof *head)
		return false;
	memcpy(head, bytes, sizeof *head);
	if (memcmp(head->magic, RH_CACHE_MAGIC, sizeof head->magic) != 0 ||
	    head->version != RH_CACHE_VERSION || head->head_len != sizeof *head ||
	    head->len != len - sizeof *head)
		return false;
	bare = *head;
	memset(bare.hash, 0, sizeof bare.hash);
	crypto_generichash_init(&state, NULL, 0, RH_CACHE_HASH);
	crypto_generichash_update(&state, (const unsigned char *)&bare, sizeof bare);
	crypto_generichash_update(&state, bytes + sizeof bare, len - sizeof bare);
	crypto_generichash_final(&state, hash, RH_CACHE_HASH);
	return memcmp(hash, head->hash, sizeof hash) == 0;
}

/* The newest whole one; number 0 when there is none.  bad gets the path of one that is
 * not whole. */
static void read_newest(const char *folder, struct rh_cache_head *newest, char *bad,
                        size_t cap)
{
	static const char *const names[] = { "view.a", "view.b" };

	newest->number = 0;
	bad[0] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		struct rh_cache_head head;
		char                 path[PATH_MAX];
		size_t               len = 0;
		unsigned char       *bytes;

		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		bytes = read_file(path, &len);
		if (!bytes)
			continue;
		if (!is_whole(bytes, len, &head))
			snprintf(bad, cap, "%s", path);
		else if (head.number > newest->number)
			*newest = head;
		free(bytes);
	}
}

/* --- what is in force -----------------------------------------------------------------
 */

/* Revision of the view in force at the agent that runs; 0 when that is not known. */
static uint64_t revision_of(const struct rh_doctor *doctor, const char *resource)
{
	struct rh_counters_head head;
	char                    path[PATH_MAX];
	ssize_t                 n;
	int                     fd;

	snprintf(path, sizeof path, "%s/agent/%s.counters", doctor->cli->dirs.run,
	         resource);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	n = read(fd, &head, sizeof head);
	close(fd);
	if (n != sizeof head || head.magic != RH_COUNTERS_MAGIC ||
	    head.version != RH_COUNTERS_VERSION)
		return 0;
	return atomic_load_explicit(&head.revision, memory_order_relaxed);
}

static bool is_of_another_store(const struct rh_doctor *doctor,
                                const struct rh_cache_head *head)
{
	const char *id = rh_show_text(doctor->system, "storeId");
	char        hex[2 * RH_STORE_ID_LEN + 1];

	sodium_bin2hex(hex, sizeof hex, head->store, sizeof head->store);
	return id && strcmp(id, hex) != 0;
}

/* Everything that it was told is in force: nothing keeps it from being saved. */
static bool is_settled(const json_t *agent)
{
	return json_array_size(json_object_get(agent, "unsettled")) == 0;
}

static bool is_old(const struct rh_doctor *doctor, const char *resource,
                   const struct rh_cache_head *head)
{
	return head->number == 0 || head->revision < revision_of(doctor, resource) ||
	       is_of_another_store(doctor, head);
}

static void check_age(struct rh_doctor *doctor, const char *folder, const char *resource)
{
	struct rh_cache_head head;
	char                 bad[PATH_MAX];

	if (!is_settled(rh_doctor_agent(doctor, resource)))
		return;
	read_newest(folder, &head, bad, sizeof bad);
	if (is_old(doctor, resource, &head)) { /* it may be writing it just now */
		poll(NULL, 0, AGAIN_MS);
		read_newest(folder, &head, bad, sizeof bad);
	}
	if (head.number == 0)
		rh_doctor_warn(doctor, "cache",
		               "the agent of %s has no whole cache in %.200s: it "
		               "cannot start while the center is away; look for a full "
		               "or read-only disk, the next change is saved again",
		               resource, folder);
	else if (is_of_another_store(doctor, &head))
		rh_doctor_warn(doctor, "cache",
		               "the cache of %s is stale: it is of another store than "
		               "the center has; look for a full or read-only disk "
		               "under %.200s, the next change is saved again",
		               resource, folder);
	else if (head.revision < revision_of(doctor, resource))
		rh_doctor_warn(doctor, "cache",
		               "the cache of %s is stale: it has revision %llu, in "
		               "force is %llu; started without the center it would go "
		               "by the former rules; look for a full or read-only disk "
		               "under %.200s, the next change is saved again",
		               resource, (unsigned long long)head.revision,
		               (unsigned long long)revision_of(doctor, resource),
		               folder);
}

/* --- the folder of an agent -----------------------------------------------------------
 */

static void check_set_aside(struct rh_doctor *doctor, const char *folder,
                            const char *resource)
{
	DIR           *open = opendir(folder);
	struct dirent *entry;

	while (open && (entry = readdir(open))) {
		size_t len = strlen(entry->d_name), tail = strlen(CORRUPT);

		if (len > tail && strcmp(entry->d_name + len - tail, CORRUPT) == 0)
			rh_doctor_warn(doctor, "cache",
			               "a corrupt cache of %s was set aside as "
			               "%.200s/%.80s, and another generation or the "
			               "center was used; check the disk, then remove it",
			               resource, folder, entry->d_name);
	}
	if (open)
		closedir(open);
}

static void check_folder(struct rh_doctor *doctor, const char *resource)
{
	struct rh_cache_head head;
	char                 folder[PATH_MAX], bad[PATH_MAX];

	snprintf(folder, sizeof folder, "%s/agent/%s", doctor->cli->dirs.state, resource);
	check_set_aside(doctor, folder, resource);
	read_newest(folder, &head, bad, sizeof bad);
	if (bad[0])
		rh_doctor_warn(doctor, "cache",
		               "the cache %.300s is corrupt: %s; check the disk, the "
		               "next change writes it anew",
		               bad, head.number
		               ? "the agent would start from the other generation"
		               : "the agent would have to wait for the center");
	if (rh_doctor_agent(doctor, resource))
		check_age(doctor, folder, resource);
}

void rh_doctor_disk(struct rh_doctor *doctor)
{
	char           path[RH_DIR_MAX + 8];
	struct dirent *entry;
	unsigned       before;
	DIR           *folder;

	if (sodium_init() < 0)
		return;
	rh_doctor_end_kind(doctor);
	before = doctor->same;
	snprintf(path, sizeof path, "%s/agent", doctor->cli->dirs.state);
	folder = opendir(path);
	if (!folder && errno == EACCES)
		rh_doctor_warn(doctor, "cache",
		               "this user may not look at the caches in %s", path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.')
			check_folder(doctor, entry->d_name);
	}
	if (!folder)
		return;
	closedir(folder);
	if (doctor->same == before)
		rh_doctor_ok(doctor, "caches", "whole, and as new as what is in force");
}
