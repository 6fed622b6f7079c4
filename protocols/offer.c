#include "offer.h"

#include "../base/diag.h"
#include "../model/check.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void rh_offer_begin(struct rh_offer *offer, const struct rh_offer_head *head)
{
	memset(offer, 0, sizeof *offer);
	for (size_t i = 0; i < RH_OFFER_FDS_MAX; i++)
		offer->fds[i] = -1;
	memcpy(offer->bytes, head, sizeof *head);
	offer->len = sizeof *head;
}

int rh_offer_add(struct rh_offer *offer, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	RH_CHECK(offer->fd_count < RH_OFFER_FDS_MAX);
	if (copy < 0)
		return RH_ENOMEM;
	offer->fds[offer->fd_count++] = copy;
	return RH_OK;
}

int rh_offer_check(const struct rh_offer *offer, const struct rh_offer_head *head,
                   uint32_t fd_count, uint32_t ret_extra[2], struct rh_diag *diag)
{
	struct rh_offer_head said;

	if (offer->len != sizeof said)
		return rh_diag_set(diag, RH_EPROTO, "an offer of %u bytes, not %zu",
		                   offer->len, sizeof said);
	memcpy(&said, offer->bytes, sizeof said);
	if (memcmp(said.protocol, head->protocol, sizeof said.protocol) != 0)
		return rh_diag_set(diag, RH_EPROTO, "an offer of %.15s to the protocol %s",
		                   said.protocol, head->protocol);
	if (said.version != head->version || said.memory_bytes != head->memory_bytes)
		return rh_diag_set(diag, RH_EPROTO,
		                   "%s: offered version %u of %u bytes, not %u of %u",
		                   head->protocol, said.version, said.memory_bytes,
		                   head->version, head->memory_bytes);
	if (offer->fd_count != fd_count)
		return rh_diag_set(diag, RH_EPROTO, "%s: offered %u descriptors, not %u",
		                   head->protocol, offer->fd_count, fd_count);
	if (!ret_extra && (said.extra[0] != 0 || said.extra[1] != 0))
		return rh_diag_set(diag, RH_EPROTO, "%s: reserved bytes of the offer are "
		                   "not zero", head->protocol);
	if (ret_extra)
		memcpy(ret_extra, said.extra, sizeof said.extra);
	return RH_OK;
}

int rh_offer_take(struct rh_offer *offer, uint32_t i)
{
	int fd = i < offer->fd_count && i < RH_OFFER_FDS_MAX ? offer->fds[i] : -1;

	if (fd >= 0) {
		offer->fds[i] = -1;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	return fd;
}

void rh_offer_drop(struct rh_offer *offer)
{
	for (uint32_t i = 0; i < offer->fd_count && i < RH_OFFER_FDS_MAX; i++) {
		if (offer->fds[i] >= 0)
			close(offer->fds[i]);
		offer->fds[i] = -1;
	}
	offer->fd_count = 0;
}
