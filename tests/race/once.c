#include "once.h"

#include "base/memory.h"
#include "model/check.h"
#include "model/error.h"

#include <mqueue.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/stat.h>

#ifdef __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
#include <sanitizer/tsan_interface.h>
#else
static void __tsan_acquire(void *unused) { (void)unused; }
static void __tsan_release(void *unused) { (void)unused; }
#endif

enum { MAPPINGS = 512 };

static struct { void *at; ino_t inode; int users; } mappings[MAPPINGS];
static int             shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int   __real_rh_memory_create(const char *name, size_t bytes, int *ret_fd, void **ret_at);
int   __wrap_rh_memory_create(const char *name, size_t bytes, int *ret_fd, void **ret_at);
int   __real_rh_memory_map(int fd, size_t bytes, void **ret_at);
int   __wrap_rh_memory_map(int fd, size_t bytes, void **ret_at);
void  __real_rh_memory_unmap(const void *at, size_t bytes);
void  __wrap_rh_memory_unmap(const void *at, size_t bytes);
int   __real_pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
                                  const struct timespec *until);
int   __wrap_pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
                                  const struct timespec *until);
int   __real_mq_timedsend(mqd_t queue, const char *bytes, size_t len, unsigned priority,
                          const struct timespec *until);
int   __wrap_mq_timedsend(mqd_t queue, const char *bytes, size_t len, unsigned priority,
                          const struct timespec *until);
ssize_t __real_mq_timedreceive(mqd_t queue, char *bytes, size_t len, unsigned *priority,
                               const struct timespec *until);
ssize_t __wrap_mq_timedreceive(mqd_t queue, char *bytes, size_t len, unsigned *priority,
                               const struct timespec *until);

int once_shared(void)
{
	return shared;
}

static ino_t inode_of(int fd)
{
	struct stat st;

	RH_CHECK(fstat(fd, &st) == 0);
	return st.st_ino;
}

/* The lock is held. */
static void add(void *at, ino_t inode)
{
	int i = 0;

	while (i < MAPPINGS && mappings[i].users > 0)
		i++;
	RH_CHECK(i < MAPPINGS);
	mappings[i].at = at;
	mappings[i].inode = inode;
	mappings[i].users = 1;
}

int __wrap_rh_memory_create(const char *name, size_t bytes, int *ret_fd, void **ret_at)
{
	int r = __real_rh_memory_create(name, bytes, ret_fd, ret_at);

	RH_CHECK(r == RH_OK);
	pthread_mutex_lock(&lock);
	add(*ret_at, inode_of(*ret_fd));
	pthread_mutex_unlock(&lock);
	return r;
}

/* What its maker has unmapped already is mapped anew. */
int __wrap_rh_memory_map(int fd, size_t bytes, void **ret_at)
{
	ino_t inode = inode_of(fd);
	int   i = 0, r = RH_OK;

	pthread_mutex_lock(&lock);
	while (i < MAPPINGS && (mappings[i].users == 0 || mappings[i].inode != inode))
		i++;
	if (i < MAPPINGS) {
		mappings[i].users++;
		*ret_at = mappings[i].at;
		shared++;
	} else if ((r = __real_rh_memory_map(fd, bytes, ret_at)) == RH_OK) {
		add(*ret_at, inode);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

void __wrap_rh_memory_unmap(const void *at, size_t bytes)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAPPINGS; i++) {
		if (at && mappings[i].users > 0 && mappings[i].at == at &&
		    --mappings[i].users == 0)
			__real_rh_memory_unmap(at, bytes);
	}
	pthread_mutex_unlock(&lock);
}

/* The sanitizer knows pthread_timedjoin_np only. */
int __wrap_pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
                                const struct timespec *until)
{
#ifdef SANITIZED
	struct timespec now, at;
	long            left;

	clock_gettime(clock, &now);
	left = (until->tv_sec - now.tv_sec) * 1000000000l + until->tv_nsec - now.tv_nsec;
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += left > 0 ? left : 0;
	at.tv_sec += at.tv_nsec / 1000000000l;
	at.tv_nsec %= 1000000000l;
	return pthread_timedjoin_np(thread, ret_value, &at);
#else
	return __real_pthread_clockjoin_np(thread, ret_value, clock, until);
#endif
}

/* One word a queue, found by what both ends have in common. */
static char queue_words[64];

static void *word_of(mqd_t queue)
{
	return &queue_words[inode_of((int)queue) % sizeof queue_words];
}

int __wrap_mq_timedsend(mqd_t queue, const char *bytes, size_t len, unsigned priority,
                        const struct timespec *until)
{
	__tsan_release(word_of(queue));
	return __real_mq_timedsend(queue, bytes, len, priority, until);
}

ssize_t __wrap_mq_timedreceive(mqd_t queue, char *bytes, size_t len, unsigned *priority,
                               const struct timespec *until)
{
	ssize_t n = __real_mq_timedreceive(queue, bytes, len, priority, until);

	if (n >= 0)
		__tsan_acquire(word_of(queue));
	return n;
}
