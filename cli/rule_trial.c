#include "rule_trial.h"

#include "rule_trial_child.h"

#include "../base/clock.h"
#include "../base/diag.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS    100
#define CALL_NS    (RH_TRIAL_CALL_MS * RH_NS_PER_MS)
#define ASLEEP_NS  (20 * RH_NS_PER_S) /* without processor time: it waits for something */

/* How far the process is, and what it used since. */
struct look {
	uint64_t progress;
	uint64_t cpu_ns;
	uint64_t wall_ns;
};

static uint64_t cpu_of(pid_t pid)
{
	clockid_t       clock;
	struct timespec time;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
		return 0;
	return (uint64_t)time.tv_sec * RH_NS_PER_S + (uint64_t)time.tv_nsec;
}

/* The verifier takes its time. */
static bool hangs(const struct rh_trial *trial, pid_t pid, struct look *look)
{
	const struct rh_trial_page *page = trial->page;
	struct look                 now = { page->progress, cpu_of(pid), rh_clock_ns() };
	bool                        is_verified = trial->is_kernel && !page->is_loaded;

	if (look->wall_ns && now.progress == look->progress)
		return (!is_verified && now.cpu_ns > look->cpu_ns + CALL_NS) ||
		       now.wall_ns > look->wall_ns + ASLEEP_NS;
	*look = now;
	return false;
}

/* Waits for the end; returns the signal that ended it, 0 for none. */
static int await(const struct rh_trial *trial, pid_t pid, bool *ret_hung)
{
	int           pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	struct look   look = { 0 };

	*ret_hung = false;
	while (pidfd >= 0 && poll(&end, 1, LOOK_MS) <= 0) {
		if (!hangs(trial, pid, &look))
			continue;
		*ret_hung = true;
		kill(pid, SIGKILL);
		break;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static pid_t start(struct rh_trial *trial, size_t first)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (getppid() != parent)
		_exit(1);
	rh_trial_child(trial, first);
}

/* The process ended by a fault, was ended, or its rule ended it; is there more to run? */
static bool blame(struct rh_trial *trial, int by_signal, bool is_hung, size_t *first)
{
	struct rh_trial_page   *page = trial->page;
	struct rh_trial_answer *answer = &page->answers[page->at];

	if (page->is_timing)
		return false; /* all were answered; what it costs is not known */
	answer->state = RH_TRIAL_FAILED;
	answer->failure = is_hung ? RH_FAILED_TIMEOUT : RH_FAILED_TRAP;
	answer->signal = (uint16_t)by_signal;
	page->failures[answer->failure]++;
	*first = page->at + 1;
	trial->is_given_up = ++trial->crashes == RH_TRIAL_CRASHES_MAX;
	return !trial->is_given_up && *first < trial->inputs->count;
}

static int make_page(struct rh_trial *trial)
{
	void *at;

	trial->page_bytes = sizeof *trial->page +
	                    trial->inputs->count * sizeof trial->page->answers[0];
	at = mmap(NULL, trial->page_bytes, PROT_READ | PROT_WRITE,
	          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return RH_ENOMEM;
	trial->page = at;
	return RH_OK;
}

int rh_trial_run(struct rh_trial *trial, struct rh_diag *diag)
{
	size_t first = 0;
	bool   is_hung, has_more = true;

	if (make_page(trial) < 0)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a test");
	while (has_more) {
		pid_t pid = start(trial, first);

		if (pid < 0)
			return rh_diag_set(diag, RH_ENOMEM, "no process for a test: %s",
			                   strerror(errno));
		int by_signal = await(trial, pid, &is_hung);
		if (trial->page->err < 0)
			return rh_diag_set(diag, trial->page->err, "%s", trial->page->why);
		if (!trial->page->is_loaded)
			return rh_diag_set(diag, RH_EINVAL, "%s by signal %d (%s) while it was loaded",
			                   is_hung ? "stopped" : "ended", by_signal,
			                   strsignal(by_signal));
		has_more = !trial->page->is_done && blame(trial, by_signal, is_hung, &first);
	}
	return RH_OK;
}

void rh_trial_fini(struct rh_trial *trial)
{
	if (trial->page)
		munmap(trial->page, trial->page_bytes);
	trial->page = NULL;
}

static unsigned kind_of(const struct rh_trial_answer *answer)
{
	return answer->failure == RH_FAILED_FUEL ? RH_FAILED_TIMEOUT : answer->failure;
}

bool rh_trial_is_same(const struct rh_trial_answer *a, const struct rh_trial_answer *b)
{
	if (a->state != b->state)
		return false;
	if (a->state == RH_TRIAL_FAILED && kind_of(a) != kind_of(b))
		return false;
	if (a->state == RH_TRIAL_FAILED && a->failure != RH_FAILED_VALUE)
		return true; /* it said nothing */
	return a->value == b->value && a->len == b->len && a->bytes == b->bytes &&
	       memcmp(a->fields, b->fields, sizeof a->fields) == 0;
}
