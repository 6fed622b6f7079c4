#include "doorbell.h"

#include "../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void rh_nap_begin(struct rh_nap *nap)
{
	if (nap->count & 1)
		return;
	nap->count++;
	/* P4 */
	atomic_store_explicit(nap->word, nap->count, memory_order_seq_cst);
}

int rh_nap_end(struct rh_nap *nap)
{
	if (!(nap->count & 1))
		return 0;
	nap->count++;
	/* Not ordered: a ringer that still sees the old value rings once in vain. */
	atomic_store_explicit(nap->word, nap->count, memory_order_relaxed);
	return 1;
}

void rh_doorbell_ring(struct rh_doorbell *bell)
{
	/* P4 */
	uint64_t nap = atomic_load_explicit(bell->word, memory_order_seq_cst);

	if (!(nap & 1) || nap == bell->rung)
		return;
	bell->rung = nap;
	rh_doorbell_push(bell->fd);
}

int rh_doorbell_create(int semaphore)
{
	int flags = EFD_CLOEXEC | EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0);
	int fd = eventfd(0, flags);

	return fd < 0 ? RH_ENOMEM : fd;
}

int rh_doorbell_check(int fd)
{
	const uint64_t nothing = 0;
	struct stat    st;

	/* An anonymous inode has no file type, and of those only an eventfd accepts
	 * eight bytes of zero, which change nothing. */
	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    write(fd, &nothing, sizeof nothing) != (ssize_t)sizeof nothing)
		return RH_EPROTO;
	return RH_OK;
}

void rh_doorbell_push(int fd)
{
	const uint64_t one = 1;
	ssize_t        n;

	/* A full counter is readable as well: the only failure there is does not
	 * matter. */
	do {
		n = write(fd, &one, sizeof one);
	} while (n < 0 && errno == EINTR);
}

uint64_t rh_doorbell_take(int fd)
{
	uint64_t     count;
	struct iovec part = { .iov_base = &count, .iov_len = sizeof count };

	/* The peer holds the same open file and may make it blocking; RWF_NOWAIT
	 * does not ask it. */
	if (preadv2(fd, &part, 1, -1, RWF_NOWAIT) != (ssize_t)sizeof count)
		return 0;
	return count;
}
