#include "confine.h"

#include "../base/diag.h"
#include "../base/refuse.h"
#include "../base/sanitized.h"
#include "../model/error.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

#ifdef RH_REFUSE_ARCH
static const struct sock_filter filter[] = {
	RH_REFUSE_OTHERS
	RH_REFUSE(SYS_execve), RH_REFUSE(SYS_execveat),
#if !RH_IS_SANITIZED /* the leak checker looks at its own threads */
	RH_REFUSE(SYS_ptrace),
#endif
	RH_REFUSE_POWERS,
	RH_ANSWER(SECCOMP_RET_ALLOW),
};
#endif

int rh_confine(struct rh_diag *diag)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "no_new_privs: %s", strerror(errno));
#ifdef RH_REFUSE_ARCH
	struct sock_fprog program = {
		.len = sizeof filter / sizeof filter[0],
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "seccomp: %s", strerror(errno));
	return RH_OK;
#else
	return rh_diag_set(diag, RH_ENOSYS, "no filter is written for this processor");
#endif
}
