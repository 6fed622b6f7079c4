#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void step(struct rh_process *process, enum rh_life_event event);

static uint64_t now_ms(const struct rh_process *process)
{
	uv_update_time(process->setting->loop);
	return uv_now(process->setting->loop);
}

struct rh_process *rh_process_create(struct rh_task *task,
                                     const struct rh_process_setting *setting)
{
	struct rh_process *process = calloc(1, sizeof *process);

	if (!process)
		return NULL;
	process->task = *task;
	process->setting = setting;
	process->spawned.pidfd = -1;
	process->spawned.output = -1;
	*task = (struct rh_task){ .argc = 0 };
	return process;
}

/* --- output ------------------------------------------------------------------- */

static void take_line(struct rh_process *process, const char *line, size_t len)
{
	if (len && line[len - 1] == '\r')
		len--;
	if (process->task.says_ready && !process->is_ready && len == 5 &&
	    memcmp(line, "ready", 5) == 0) {
		process->is_ready = true;
		process->setting->changed(process->setting->user, process);
		return;
	}
	if (process->setting->told && process->task.role == RH_TASK_AGENT &&
	    process->setting->told(process->setting->user, process->task.name, line, len))
		return;
	if (process->task.says_ready && !process->is_ready &&
	    rh_hosted_read(&process->hosted, line, len))
		return;
	rh_journal_line(process->setting->journal, process->task.name, line, len);
}

static void take_bytes(struct rh_process *process, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n')
			process->line[process->line_len++] = bytes[i];
		if (bytes[i] != '\n' && process->line_len < sizeof process->line)
			continue;
		take_line(process, process->line, process->line_len);
		process->line_len = 0;
	}
}

/* Reads some; a process that writes without end must not keep the loop. */
static bool read_some(struct rh_process *process)
{
	char    bytes[16384];
	ssize_t n = read(process->spawned.output, bytes, sizeof bytes);

	if (n > 0)
		take_bytes(process, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void close_output(struct rh_process *process)
{
	rh_poll_close(process->output);
	process->output = NULL;
	if (process->spawned.output >= 0)
		close(process->spawned.output);
	process->spawned.output = -1;
	if (process->line_len)
		take_line(process, process->line, process->line_len);
	process->line_len = 0;
}

static void on_output(void *user)
{
	struct rh_process *process = user;

	if (!read_some(process))
		close_output(process);
}

/* --- the end ------------------------------------------------------------------- */

static void forget_spawned(struct rh_process *process)
{
	/* What it wrote last may still be in the pipe: 64 KiB at most. */
	for (int i = 0; i < 8 && process->spawned.output >= 0; i++) {
		char    bytes[16384];
		ssize_t n = read(process->spawned.output, bytes, sizeof bytes);

		if (n <= 0)
			break;
		take_bytes(process, bytes, (size_t)n);
	}
	close_output(process);
	rh_poll_close(process->ends);
	process->ends = NULL;
	rh_timer_close(process->timer);
	process->timer = NULL;
	if (process->spawned.pidfd >= 0)
		close(process->spawned.pidfd);
	process->spawned.pidfd = -1;
	process->is_ready = false;
	process->hosted.state = RH_HOSTED_UNKNOWN;
}

static void tell_end(struct rh_process *process, int code, int by_signal)
{
	struct rh_journal *journal = process->setting->journal;
	const char        *name = process->task.name;
	bool is_asked =
		process->state == RH_LIFE_STOPPING ||
		process->state == RH_LIFE_KILLING || process->state == RH_LIFE_RENEWING;

	if (is_asked && (by_signal == 0 || by_signal == SIGTERM))
		rh_journal_tell(journal, "%s ended (pid %d)", name,
		                (int)process->spawned.pid);
	else if (by_signal)
		rh_journal_tell(journal, "%s was killed by signal %d, %s (pid %d)", name,
		                by_signal, strsignal(by_signal),
		                (int)process->spawned.pid);
	else
		rh_journal_tell(journal, "%s ended with code %d (pid %d)", name, code,
		                (int)process->spawned.pid);
}

static void on_end(void *user)
{
	struct rh_process *process = user;
	int                code, by_signal;

	/* What the leader left of its group ends with it, while the pid is still
	 * taken by the zombie. */
	kill(-process->spawned.pid, SIGKILL);
	if (rh_spawn_wait(&process->spawned, &code, &by_signal) == RH_EAGAIN)
		return;
	forget_spawned(process);
	tell_end(process, code, by_signal);
	process->code = code;
	process->by_signal = by_signal;
	if (process->state == RH_LIFE_STOPPING || process->state == RH_LIFE_KILLING)
		step(process, RH_LIFE_END);
	else
		step(process, rh_life_outcome(process->task.restart, code, by_signal));
}

/* --- acting -------------------------------------------------------------------- */

static void fail_start(struct rh_process *process, const char *text)
{
	rh_journal_tell(process->setting->journal, "%s: %s", process->task.name, text);
	process->code = 127;
	process->by_signal = 0;
	step(process, rh_life_outcome(process->task.restart, 127, 0));
}

static void spawn(struct rh_process *process)
{
	const struct rh_process_setting *setting = process->setting;
	struct rh_spawn  order = { .argv = process->task.argv, .env = setting->env };
	struct rh_diag   diag = { 0 };

	rh_backoff_started(&process->backoff, now_ms(process));
	process->starts++;
	if (rh_spawn(&order, &process->spawned, &diag) < 0) {
		fail_start(process, diag.text);
		return;
	}
	process->ends =
		rh_poll_open(setting->loop, process->spawned.pidfd, on_end, process);
	process->output = rh_poll_open(setting->loop, process->spawned.output, on_output,
	                               process);
	if (!process->ends || !process->output) {
		rh_spawn_signal(&process->spawned, SIGKILL);
		waitpid(process->spawned.pid, NULL, 0);
		forget_spawned(process);
		fail_start(process, "out of memory");
		return;
	}
	rh_journal_tell(setting->journal, "%s started (pid %d)", process->task.name,
	                (int)process->spawned.pid);
	process->is_ready = !process->task.says_ready;
	if (process->is_ready)
		setting->changed(setting->user, process);
}

static void on_backoff(void *user)
{
	struct rh_process *process = user;

	rh_timer_close(process->timer);
	process->timer = NULL;
	step(process, RH_LIFE_TIMER);
}

static void on_patience(void *user)
{
	struct rh_process *process = user;

	rh_timer_close(process->timer);
	process->timer = NULL;
	rh_journal_tell(process->setting->journal, "%s does not end; killing it",
	                process->task.name);
	step(process, RH_LIFE_PATIENCE);
}

static void arm(struct rh_process *process, unsigned after_ms, rh_poll_ready *ready)
{
	rh_timer_close(process->timer);
	process->timer = rh_timer_open(process->setting->loop, after_ms, ready, process);
	if (!process->timer)
		rh_journal_tell(process->setting->journal, "%s: out of memory",
		                process->task.name);
}

static void wait_and_start(struct rh_process *process)
{
	unsigned after_ms = rh_backoff_failed(&process->backoff, now_ms(process),
	                                      process->by_signal);

	if (after_ms)
		rh_journal_tell(process->setting->journal, "%s starts again in %u.%u s",
		                process->task.name, after_ms / 1000,
		                after_ms % 1000 / 100);
	arm(process, after_ms, on_backoff);
}

static void forget(struct rh_process *process)
{
	rh_timer_close(process->timer);
	process->timer = NULL;
}

static void act(struct rh_process *process, enum rh_life_action action)
{
	switch (action) {
	case RH_LIFE_SPAWN:
		spawn(process);
		break;
	case RH_LIFE_ARM:
		wait_and_start(process);
		break;
	case RH_LIFE_TERM:
		rh_spawn_signal(&process->spawned, SIGTERM);
		arm(process, RH_PROCESS_PATIENCE_MS, on_patience);
		break;
	case RH_LIFE_ASK:
		rh_spawn_signal(&process->spawned, SIGTERM);
		break;
	case RH_LIFE_KILL:
		rh_spawn_signal(&process->spawned, SIGKILL);
		break;
	case RH_LIFE_FORGET:
		forget(process);
		break;
	case RH_LIFE_NOTHING:
		break;
	}
}

static void step(struct rh_process *process, enum rh_life_event event)
{
	enum rh_life_state before = process->state;
	int                action = rh_life_step(&process->state, event);

	if (action < 0)
		return;
	act(process, (enum rh_life_action)action);
	/* Starting reports itself; a process that is gone may be destroyed there. */
	if (process->state != before && event != RH_LIFE_START && event != RH_LIFE_TIMER)
		process->setting->changed(process->setting->user, process);
}

void rh_process_start(struct rh_process *process)
{
	step(process, RH_LIFE_START);
}

void rh_process_renew(struct rh_process *process)
{
	step(process, RH_LIFE_RENEW);
}

void rh_process_stop(struct rh_process *process)
{
	step(process, RH_LIFE_STOP);
}

/* Not wanted any more, or it would be started again at once. */
void rh_process_kill(struct rh_process *process)
{
	rh_process_stop(process);
	if (process->spawned.pidfd >= 0)
		rh_spawn_signal(&process->spawned, SIGKILL);
}

void rh_process_destroy(struct rh_process *process)
{
	if (!process)
		return;
	if (process->spawned.pidfd >= 0)
		rh_spawn_signal(&process->spawned, SIGKILL);
	forget_spawned(process);
	rh_task_fini(&process->task);
	free(process);
}
