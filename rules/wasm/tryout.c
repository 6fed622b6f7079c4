#include "tryout.h"

#include "../../base/diag.h"
#include "../author/rhodes/rule_host.h"
#include "../limits.h"
#include "cpu.h"
#include "instance.h"
#include "object.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 5 /* of the process; the start function has RH_RULE_TIME_US */

/* What the process found, in memory that both see. */
struct result {
	int            err;
	struct rh_diag diag;
};

static uint64_t number(void *user)
{
	(void)user;
	return 1;
}

static void log_line(void *user, const char *text, uint32_t length)
{
	(void)user, (void)text, (void)length;
}

static int32_t param(void *user, const char *name, uint32_t length, char *into,
                     uint32_t room)
{
	(void)user, (void)name, (void)length, (void)into, (void)room;
	return -1;
}

static int load(int fd, const struct rh_hook *hook, uint32_t memory_bytes,
                struct rh_diag *diag)
{
	static const struct rh_rule_host host = {
		.now = number, .random = number, .log = log_line, .param = param,
	};
	struct rh_instance_limits limits = {
		.memory_bytes = memory_bytes, .time_us = RH_RULE_TIME_US,
	};
	struct rh_object   *object;
	struct rh_instance *instance;
	int                 err = rh_object_load(fd, hook, &object, diag);

	return err < 0 ? err : rh_instance_create(object, hook, &limits, &host, &instance,
	                                          diag);
}

_Noreturn static void run(int fd, const struct rh_hook *hook, uint32_t memory_bytes,
                          pid_t parent, struct result *result)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_CPU, &(struct rlimit){ SECONDS, SECONDS });
	signal(SIGALRM, SIG_DFL);
	alarm(SECONDS);
	result->err = load(fd, hook, memory_bytes, &result->diag);
	_exit(0);
}

static int judge(const struct result *result, int status, struct rh_diag *diag)
{
	if (WIFSIGNALED(status))
		return rh_diag_set(diag, RH_EINVAL, "the process that loaded it was ended by signal "
		                   "%d", WTERMSIG(status));
	if (result->err == RH_ENOMEM)
		return rh_diag_set(diag, RH_ENOMEM, "%s", result->diag.text);
	return result->err < 0 ? rh_diag_set(diag, RH_EINVAL, "%s", result->diag.text) : RH_OK;
}

int rh_tryout(int fd, const struct rh_hook *hook, uint32_t memory_bytes,
              struct rh_diag *diag)
{
	struct result *result;
	pid_t          parent = getpid(), pid;
	int            status = 0, err;

	if (!rh_cpu_has_gs())
		return RH_OK; /* it was built for those that have */
	result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE,
	              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result == MAP_FAILED)
		return rh_diag_set(diag, RH_ENOMEM, "no memory to try the object");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run(fd, hook, memory_bytes, parent, result);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	err = pid < 0 ? rh_diag_set(diag, RH_ENOMEM, "no process to try the object")
	              : judge(result, status, diag);
	munmap(result, sizeof *result);
	return err;
}
