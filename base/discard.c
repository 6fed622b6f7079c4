#include "discard.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STACK_BYTES (128 * 1024)

static struct {
	pthread_mutex_t lock;
	pthread_cond_t  more;
	int             is_on;
	int            *fds;     /* a stack: the order does not matter */
	size_t          count;
	size_t          room;
	unsigned        threads;
	unsigned        idle;
} pile = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void *work(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&pile.lock);
	for (;;) {
		while (pile.count == 0) {
			pile.idle++;
			pthread_cond_wait(&pile.more, &pile.lock);
			pile.idle--;
		}
		int fd = pile.fds[--pile.count];
		pthread_mutex_unlock(&pile.lock);
		close(fd);
		pthread_mutex_lock(&pile.lock);
	}
	return NULL;
}

/* One more, when all there are may be held up.  Signals are for others. */
static void start_thread(void)
{
	pthread_attr_t attributes;
	pthread_t      id;
	sigset_t       all, before;

	if (pile.threads == RH_DISCARD_THREADS || pthread_attr_init(&attributes) != 0)
		return;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&id, &attributes, work, NULL) == 0)
		pile.threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
}

/* 0 when there is no memory. */
static int push(int fd)
{
	if (pile.count == pile.room) {
		size_t room = pile.room ? 2 * pile.room : 64;
		int   *more = realloc(pile.fds, room * sizeof *more);

		if (!more)
			return 0;
		pile.fds = more;
		pile.room = room;
	}
	pile.fds[pile.count++] = fd;
	return 1;
}

/* Memory, and places that were only looked up. */
static int closes_at_once(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || (flags & O_PATH) || fcntl(fd, F_GET_SEALS) >= 0;
}

void rh_discard_start(void)
{
	pthread_mutex_lock(&pile.lock);
	pile.is_on = 1;
	pthread_mutex_unlock(&pile.lock);
}

void rh_discard(int fd)
{
	int is_taken = 0;

	if (fd < 0)
		return;
	if (!closes_at_once(fd)) {
		pthread_mutex_lock(&pile.lock);
		is_taken = pile.is_on && push(fd);
		if (is_taken && pile.idle < pile.count)
			start_thread();
		if (is_taken && pile.threads == 0) { /* not even the first one */
			pile.count--;
			is_taken = 0;
		}
		pthread_cond_signal(&pile.more);
		pthread_mutex_unlock(&pile.lock);
	}
	if (!is_taken)
		close(fd);
}

void rh_discard_socket(int fd)
{
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	rh_discard(fd);
}
