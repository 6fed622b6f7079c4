#include "admit.h"

#include "agent.h"
#include "view.h"

#include "../base/diag.h"
#include "../base/peer.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <string.h>

#define DELETED " (deleted)" /* what Linux adds when the file was replaced */

/* "0, 1000" */
static void list_uids(const struct rh_self *self, const struct rh_home *home,
                      char *text, size_t cap)
{
	size_t used = 0;

	snprintf(text, cap, "%u", (unsigned)home->uid);
	for (unsigned i = 0; i < self->uid_count; i++) {
		int n = snprintf(text + used, cap - used, "%s%u", used ? ", " : "",
		                 (unsigned)self->uids[i]);

		if (n < 0 || used + (size_t)n >= cap)
			return;
		used += (size_t)n;
	}
}

static int has_uid(const struct rh_self *self, const struct rh_home *home, uid_t uid)
{
	for (unsigned i = 0; i < self->uid_count; i++) {
		if (self->uids[i] == uid)
			return 1;
	}
	return self->uid_count == 0 && uid == home->uid;
}

static int has_exe(const struct rh_self *self, const struct rh_peer *peer)
{
	for (unsigned i = 0; i < self->exe_count; i++) {
		if (rh_peer_runs(peer, self->exes[i]))
			return 1;
	}
	return self->exe_count == 0;
}

static int is_worker(const struct rh_home *home, const struct rh_peer *peer)
{
	for (size_t i = 0; i < sizeof home->workers / sizeof home->workers[0]; i++) {
		if (home->workers[i][0] && rh_peer_runs(peer, home->workers[i]))
			return 1;
	}
	return 0;
}

static int refuse_exe(const struct rh_self *self, const struct rh_peer *peer,
                      struct rh_diag *diag)
{
	return rh_diag_set(diag, RH_EIDENT, "process %d runs %.80s, which is not "
	                   "registered for %s: allow.exe names %.60s%s", (int)peer->pid,
	                   peer->exe[0] ? peer->exe : "an unknown executable",
	                   self->name, self->exes[0],
	                   self->exe_count > 1 ? ", ..." : "");
}

static int refuse_uid(const struct rh_self *self, const struct rh_home *home,
                      const struct rh_peer *peer, struct rh_diag *diag)
{
	char uids[48];

	list_uids(self, home, uids, sizeof uids);
	return rh_diag_set(diag, RH_EIDENT, "process %d (%.80s) is of uid %u, %s is "
	                   "registered for uid %s", (int)peer->pid, peer->exe,
	                   (unsigned)peer->uid, self->name, uids);
}

int rh_admit_governed(const struct rh_self *self, const struct rh_home *home,
                      const struct rh_peer *peer, struct rh_diag *diag)
{
	if (self->name[0] == 0)
		return rh_diag_set(diag, RH_EIDENT, "process %d (%.80s) cannot be governed: "
		                   "the resource is not registered", (int)peer->pid,
		                   peer->exe);
	return has_uid(self, home, peer->uid) ? RH_OK : refuse_uid(self, home, peer, diag);
}

int rh_admit_process(const struct rh_self *self, const struct rh_home *home,
                     const struct rh_peer *peer, uint32_t role, int serves_already,
                     struct rh_diag *diag)
{
	int is_callee = role == RH_ROLE_CALLEE;
	int is_ours = (is_callee || serves_already) && is_worker(home, peer);

	if (self->name[0] == 0)
		return rh_diag_set(diag, RH_EIDENT, "process %d (%.80s) cannot attach: "
		                   "the resource is not registered", (int)peer->pid,
		                   peer->exe);
	if (!is_callee && role != RH_ROLE_CALLER)
		return rh_diag_set(diag, RH_EINVAL, "a process attaches as caller or "
		                   "callee, not as %u", role);
	if (!has_uid(self, home, peer->uid) && !(is_ours && peer->uid == home->uid))
		return refuse_uid(self, home, peer, diag);
	if (is_ours || serves_already || has_exe(self, peer))
		return RH_OK;
	if (is_callee && self->program && rh_peer_runs(peer, self->program))
		return RH_OK;
	return refuse_exe(self, peer, diag);
}

static size_t length_of_exe(const char *exe)
{
	size_t len = strlen(exe), tail = sizeof DELETED - 1;

	return len >= tail && memcmp(exe + len - tail, DELETED, tail) == 0 ? len - tail
	                                                                  : len;
}

static int is_same_exe(const char *a, const char *b)
{
	size_t len = length_of_exe(a);

	return len > 0 && len == length_of_exe(b) && memcmp(a, b, len) == 0;
}

int rh_admit_agent(const struct rh_home *home, const struct rh_peer *peer,
                   const char *resource, struct rh_diag *diag)
{
	if (peer->uid != home->uid && peer->uid != 0)
		return rh_diag_set(diag, RH_EIDENT, "process %d of uid %u cannot be the "
		                   "agent of %s: agents are of uid %u or root",
		                   (int)peer->pid, (unsigned)peer->uid, resource,
		                   (unsigned)home->uid);
	if (!is_same_exe(peer->exe, home->exe))
		return rh_diag_set(diag, RH_EIDENT, "process %d (%.80s) is no agent and "
		                   "cannot speak for %s", (int)peer->pid,
		                   peer->exe[0] ? peer->exe : "an unknown executable",
		                   resource);
	return RH_OK;
}

int rh_admit_observer(const struct rh_home *home, const struct rh_peer *peer,
                      struct rh_diag *diag)
{
	if (peer->uid == home->uid || peer->uid == 0)
		return RH_OK;
	return rh_diag_set(diag, RH_EPERM, "process %d is of uid %u: only uid %u and "
	                   "root may trace", (int)peer->pid, (unsigned)peer->uid,
	                   (unsigned)home->uid);
}
