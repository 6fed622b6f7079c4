#include "supervisor.h"

#include "crew.h"
#include "keeper.h"
#include "link.h"
#include "pools.h"
#include "queues.h"
#include "renew.h"
#include "terminal.h"

#include "../known.h"

#include "../../base/plural.h"
#include "../../base/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CENTER        "center"
#define BPF           "bpf"
#define OBSERVE       "observe"
#define RETRY_LINK_MS 500u
#define SIGNALS       4
#define REWRITE_MS    2000

enum phase { PHASE_CENTER, PHASE_APPLY, PHASE_RUN, PHASE_STOP };

struct supervisor {
	const struct rh_supervise *options;
	uv_loop_t                  loop;
	uv_async_t                 wake;
	uv_signal_t                signals[SIGNALS];
	struct rh_journal          journal;
	struct rh_process_setting  setting;
	char                       env_text[3][RH_DIR_MAX + 32];
	const char                *env[7];
	struct rh_crew             crew;
	struct rh_pools            pools;
	struct rh_renewal          renewal;
	struct rh_link             link;
	char                       link_path[RH_SOCKET_PATH_MAX + 1];
	struct rh_timer           *retry;
	struct rh_timer           *deadline;
	struct rh_timer           *rewrite;   /* of the files of pools               */
	struct rh_timer           *resave;    /* of the plan                         */
	struct rh_plan             plan;
	json_t                    *unsaved;   /* the plan, followed but not on disk  */
	bool                       has_plan;
	bool                       was_ready;
	bool                       is_unwritten; /* and it was said                  */
	bool                       is_not_saved; /* likewise                         */
	bool                       is_observing; /* or it was said why not           */
	enum phase                 phase;
	struct rh_spawned          apply;
	struct rh_poll            *apply_ends;
	int                        exit;
};

/* --- stopping ------------------------------------------------------------------ */

static void stop(struct supervisor *self, int exit)
{
	if (self->phase == PHASE_STOP)
		return;
	self->phase = PHASE_STOP;
	self->exit = exit;
	rh_link_close(&self->link);
	rh_renewal_fini(&self->renewal);
	rh_timer_close(self->retry);
	rh_timer_close(self->deadline);
	rh_timer_close(self->rewrite);
	rh_timer_close(self->resave);
	self->rewrite = NULL;
	self->resave = NULL;
	self->retry = NULL;
	self->deadline = NULL;
	if (self->apply_ends)
		rh_spawn_signal(&self->apply, SIGTERM);
	uv_async_send(&self->wake);
}

static void on_signal(uv_signal_t *handle, int signal)
{
	struct supervisor *self = handle->data;

	/* Other requests to stop may come twice, to the keeper and to the group. */
	if (self->phase == PHASE_STOP && signal == SIGINT) {
		rh_journal_tell(&self->journal, "asked again: killing what is left");
		rh_crew_kill(&self->crew);
	}
	if (self->phase == PHASE_STOP)
		return;
	rh_journal_tell(&self->journal, "stopping, asked by %s",
	                signal == SIGINT ? "Ctrl-C" : strsignal(signal));
	stop(self, RH_EXIT_OK);
}

/* Those that the crew or we ourselves wait for. */
static bool is_known(const void *user, pid_t pid)
{
	const struct supervisor *self = user;

	for (size_t i = 0; i < self->crew.count; i++) {
		const struct rh_process *process = self->crew.members[i];

		if (process->spawned.pidfd >= 0 && process->spawned.pid == pid)
			return true;
	}
	return (self->apply_ends && self->apply.pid == pid) ||
	       rh_renewal_owns(&self->renewal, pid);
}

static void on_child(uv_signal_t *handle, int signal)
{
	(void)signal;
	rh_keeper_reap(is_known, handle->data);
}

/* One role after the other, last started first. */
static void go_on_stopping(struct supervisor *self)
{
	for (int role = RH_TASK_ROLES - 1; role >= 0; role--) {
		if (rh_crew_stop(&self->crew, (enum rh_task_role)role) > 0)
			return;
		rh_crew_sweep(&self->crew);
	}
	if (!self->apply_ends)
		uv_stop(&self->loop);
}

/* --- the link -------------------------------------------------------------------- */

static void on_plan(void *user, const json_t *json)
{
	struct supervisor   *self = user;
	struct rh_plan       plan;
	struct rh_diag       diag = { 0 };
	struct rh_plan_paths paths = {
		.self = self->options->self,
		.agent = self->options->agent,
		.run_dir = self->options->dirs->run,
		.state_dir = self->options->dirs->state,
		.system = self->options->dirs->system,
	};

	self->pools.paths = paths;
	if (rh_plan_init(&plan, json, &paths, &diag) < 0 ||
	    rh_pools_take(&self->pools, &plan, &diag) < 0) {
		rh_journal_tell(&self->journal, "the plan is not followed: %s",
		                diag.text);
		return;
	}
	rh_plan_fini(&self->plan);
	self->plan = plan;
	self->has_plan = true;
	json_decref(self->unsaved);
	self->unsaved = json_incref((json_t *)(uintptr_t)json);
	uv_async_send(&self->wake);
}

static void on_retry(void *user)
{
	struct supervisor *self = user;

	rh_timer_close(self->retry);
	self->retry = NULL;
	uv_async_send(&self->wake);
}

static void on_lost(void *user, const char *reason)
{
	struct supervisor *self = user;

	rh_journal_tell(&self->journal, "the link to the center is gone: %s", reason);
	if (!self->retry)
		self->retry = rh_timer_open(&self->loop, RETRY_LINK_MS, on_retry, self);
}

static void keep_link(struct supervisor *self)
{
	const struct rh_process *center = rh_crew_find(&self->crew, CENTER);
	struct rh_diag           diag = { 0 };

	if (self->link.fd >= 0 || self->retry || !center || !center->is_ready)
		return;
	if (rh_link_open(&self->link, &self->loop, self->link_path, &diag) == RH_OK)
		return;
	on_lost(self, diag.text);
}

/* --- becoming ready --------------------------------------------------------------- */

static void notify(struct supervisor *self)
{
	char text[160];
	int  n;

	self->was_ready = true;
	rh_timer_close(self->deadline);
	self->deadline = NULL;
	if (self->options->center)
		rh_journal_tell(&self->journal,
		                "the system \"%s\" is ready: %zu resource%s,"
		                " %zu process%s",
		                self->options->dirs->system, self->plan.resources,
		                rh_plural(self->plan.resources), self->crew.count,
		                self->crew.count == 1 ? "" : "es");
	if (self->options->notify < 0)
		return;
	n = snprintf(text, sizeof text, "ready %zu %zu\n", self->plan.resources,
	             self->crew.count);
	if (write(self->options->notify, text, (size_t)n) < 0)
		rh_journal_tell(&self->journal, "nobody waits for it");
	/* Whoever waits for the end of our output must not wait for ever. */
	close(self->options->notify);
	rh_terminal_leave();
}

static void on_deadline(void *user)
{
	struct supervisor *self = user;
	const char        *missing = CENTER;

	if (self->has_plan)
		rh_crew_is_ready(&self->crew, &self->plan, &missing);
	if (self->phase == PHASE_APPLY)
		missing = "what the manifests say (their interfaces are being built;"
		          " -t gives it more time)";
	rh_journal_tell(&self->journal, "not ready in %u s: %s is not; stopping",
	                self->options->timeout_ms / 1000, missing);
	stop(self, RH_EXIT_REFUSED);
}

/* --- applying ---------------------------------------------------------------------- */

static void on_applied(void *user)
{
	struct supervisor *self = user;
	int                code, by_signal;

	if (rh_spawn_wait(&self->apply, &code, &by_signal) == RH_EAGAIN)
		return;
	rh_poll_close(self->apply_ends);
	self->apply_ends = NULL;
	close(self->apply.pidfd);
	if (self->phase == PHASE_APPLY) {
		self->phase = PHASE_RUN;
		if (code != 0) {
			rh_journal_tell(&self->journal,
			                "the manifests were not applied; stopping");
			stop(self, by_signal ? RH_EXIT_REFUSED : code);
		}
	}
	uv_async_send(&self->wake);
}

static void apply(struct supervisor *self)
{
	struct rh_spawn order = { .argv = self->options->apply, .env = self->env,
		                  .as = RH_SPAWN_HELPER };
	struct rh_diag  diag = { 0 };

	self->phase = PHASE_RUN;
	if (!self->options->apply)
		return;
	self->phase = PHASE_APPLY;
	if (rh_spawn(&order, &self->apply, &diag) == RH_OK)
		self->apply_ends =
			rh_poll_open(&self->loop, self->apply.pidfd, on_applied, self);
	if (self->apply_ends)
		return;
	rh_journal_tell(&self->journal, "cannot apply the manifests: %s", diag.text);
	stop(self, RH_EXIT_REFUSED);
}

/* --- the turns of the loop ---------------------------------------------------------- */

static void await_center(struct supervisor *self)
{
	const struct rh_process *center = rh_crew_find(&self->crew, CENTER);

	if (!center)
		return;
	if (center->is_ready) {
		apply(self);
	} else if (center->state != RH_LIFE_RUNNING) {
		/* A store that cannot be opened does not get better by trying. */
		rh_journal_tell(&self->journal, "the center did not start; stopping");
		stop(self, RH_EXIT_REFUSED);
	}
}

static void on_rewrite(void *user)
{
	struct supervisor *self = user;

	rh_timer_close(self->rewrite);
	self->rewrite = NULL;
	uv_async_send(&self->wake);
}

/* A disk that is full now may have room later, when nothing else happens. */
static void write_pools(struct supervisor *self)
{
	struct rh_diag diag = { 0 };
	int            r;

	if (self->rewrite)
		return;
	r = rh_pools_write(&self->pools, &self->crew, &diag);
	if (r < 0 && !self->is_unwritten)
		rh_journal_tell(&self->journal, "%s; agents of what came since do not start;"
		                " trying again", diag.text);
	if (r < 0)
		self->rewrite = rh_timer_open(&self->loop, REWRITE_MS, on_rewrite, self);
	self->is_unwritten = r < 0;
}

/* What a pool should read first must stand there before it starts. */
static void follow(struct supervisor *self)
{
	write_pools(self);
	rh_crew_follow(&self->crew, &self->plan, &self->setting);
}

static void on_resave(void *user)
{
	struct supervisor *self = user;

	rh_timer_close(self->resave);
	self->resave = NULL;
	uv_async_send(&self->wake);
}

/* After what it starts has been started: somebody may wait for that.  As with pools, the
 * disk may have room later; a newer plan takes the place of one that waits. */
static void save_plan(struct supervisor *self)
{
	struct rh_diag diag = { 0 };

	if (!self->unsaved || self->resave)
		return;
	if (rh_known_save(self->options->dirs, self->unsaved, &diag) < 0) {
		if (!self->is_not_saved)
			rh_journal_tell(&self->journal, "%s; until it is, what ends while the"
			                " center is away is not started again; trying again",
			                diag.text);
		self->is_not_saved = true;
		self->resave = rh_timer_open(&self->loop, REWRITE_MS, on_resave, self);
		return;
	}
	if (self->is_not_saved)
		rh_journal_tell(&self->journal, "the plan is on the disk again");
	self->is_not_saved = false;
	json_decref(self->unsaved);
	self->unsaved = NULL;
}

/* Once the center knows what was applied, and the helper is there.  Without the helper the
 * rest goes on. */
static void observe(struct supervisor *self)
{
	const struct rh_process *helper = rh_crew_find(&self->crew, BPF);
	struct rh_process       *process;
	struct rh_task           task;

	if (!self->options->observe || self->is_observing || (helper && !helper->is_ready))
		return;
	self->is_observing = true;
	if (!helper) {
		rh_journal_tell(&self->journal, "nothing is observed, and no connection is "
		                "refused: that needs rhodes-bpf, which needs root; all else "
		                "goes on");
		return;
	}
	rh_task_init(&task, RH_TASK_CENTER, "");
	snprintf(task.name, sizeof task.name, OBSERVE);
	for (char *const *word = self->options->observe; *word; word++)
		rh_task_arg(&task, *word);
	process = task.is_broken ? NULL : rh_crew_add(&self->crew, &task, &self->setting);
	rh_task_fini(&task);
	if (process)
		rh_process_start(process);
}

static void settle(struct supervisor *self)
{
	const char *missing;

	rh_crew_sweep(&self->crew);
	rh_keeper_reap(is_known, self); /* behind one that was known */
	if (self->phase == PHASE_CENTER)
		await_center(self);
	if (self->phase == PHASE_RUN) {
		if (self->options->center)
			keep_link(self);
		if (self->has_plan)
			follow(self);
		save_plan(self);
		rh_renewal_turn(&self->renewal);
		observe(self);
		if (self->has_plan && !self->was_ready &&
		    rh_crew_is_ready(&self->crew, &self->plan, &missing))
			notify(self);
	}
	if (self->phase == PHASE_STOP)
		go_on_stopping(self);
}

static void on_wake(uv_async_t *handle)
{
	settle(handle->data);
}

static void on_changed(void *user, struct rh_process *process)
{
	struct supervisor *self = user;

	if (process && process->spawned.pidfd < 0)
		rh_pools_lost(&self->pools, process->task.name);
	uv_async_send(&self->wake); /* a later turn of the loop looks at all of them */
}

static bool on_told(void *user, const char *name, const char *line, size_t len)
{
	struct supervisor *self = user;

	if (!rh_pools_read(&self->pools, name, line, len))
		return false;
	uv_async_send(&self->wake);
	return true;
}

/* --- set-up --------------------------------------------------------------------------
 */

static void set_environment(struct supervisor *self)
{
	const struct rh_dirs *dirs = self->options->dirs;

	snprintf(self->env_text[0], sizeof self->env_text[0], "RHODES_SYSTEM=%s",
	         dirs->system);
	snprintf(self->env_text[1], sizeof self->env_text[1], "RHODES_RUN_DIR=%s",
	         dirs->run);
	snprintf(self->env_text[2], sizeof self->env_text[2], "RHODES_STATE_DIR=%s",
	         dirs->state);
	for (size_t i = 0; i < 3; i++)
		self->env[i] = self->env_text[i];
	self->env[3] = RH_READY_VARIABLE "=1"; /* their standard output, our pipe */
	/* Of a resource that this command may itself be run as. */
	self->env[4] = "RHODES_AGENT";
	self->env[5] = "RHODES_RESOURCE";
}

static int set_up(struct supervisor *self, struct rh_diag *diag)
{
	static const int signals[SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD };
	const struct rh_supervise *options = self->options;
	int r;

	/* Beside a running `up` the log file is not ours. */
	r = rh_journal_init(&self->journal, options->center ? options->dirs->run : NULL,
	                    options->screen, diag);
	if (r < 0)
		return r;
	self->journal.has_color = options->has_color;
	if (options->center) {
		r = rh_dirs_socket(options->dirs, "link.sock", self->link_path, diag);
		if (r < 0)
			return r;
	}
	uv_loop_init(&self->loop);
	uv_async_init(&self->loop, &self->wake, on_wake);
	self->wake.data = self;
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_init(&self->loop, &self->signals[i]);
		self->signals[i].data = self;
		uv_signal_start(&self->signals[i],
		                signals[i] == SIGCHLD ? on_child : on_signal, signals[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	set_environment(self);
	self->setting = (struct rh_process_setting){
		.loop = &self->loop, .journal = &self->journal, .env = self->env,
		.changed = on_changed, .told = on_told, .user = self,
	};
	self->pools.most = options->pool;
	self->crew.pools = options->pool ? &self->pools : NULL;
	self->renewal = (struct rh_renewal){
		.crew = &self->crew, .setting = &self->setting, .self = options->self,
		.system = options->dirs->system,
	};
	rh_renewal_init(&self->renewal);
	self->link = (struct rh_link){ .fd = -1, .on_plan = on_plan, .on_lost = on_lost,
		                       .user = self };
	return RH_OK;
}

static void start_center(struct supervisor *self)
{
	struct rh_process *process;
	struct rh_task     task;

	rh_task_init(&task, RH_TASK_CENTER, "");
	snprintf(task.name, sizeof task.name, CENTER);
	task.says_ready = true;
	rh_task_arg(&task, self->options->center);
	if (self->options->tcp) {
		rh_task_arg(&task, "--tcp");
		rh_task_arg(&task, self->options->tcp);
	}
	process = task.is_broken ? NULL : rh_crew_add(&self->crew, &task, &self->setting);
	rh_task_fini(&task);
	if (process)
		rh_process_start(process);
	else
		stop(self, RH_EXIT_REFUSED);
}

/* What needs it says so when it is not there; nobody waits for it. */
static void start_bpf(struct supervisor *self)
{
	struct rh_process *process;
	struct rh_task     task;

	rh_task_init(&task, RH_TASK_CENTER, "");
	snprintf(task.name, sizeof task.name, BPF);
	task.says_ready = true;
	rh_task_arg(&task, self->options->bpf);
	rh_task_arg(&task, "--run-dir");
	rh_task_arg(&task, self->options->dirs->run);
	process = task.is_broken ? NULL : rh_crew_add(&self->crew, &task, &self->setting);
	rh_task_fini(&task);
	if (process)
		rh_process_start(process);
}

static void start(struct supervisor *self)
{
	const struct rh_supervise *options = self->options;

	if (options->timeout_ms)
		self->deadline = rh_timer_open(&self->loop, options->timeout_ms,
		                               on_deadline, self);
	if (options->center && options->bpf)
		start_bpf(self);
	if (options->center) {
		start_center(self);
		return;
	}
	self->phase = PHASE_RUN;
	self->has_plan = true;
	self->plan = *options->plan;
	uv_async_send(&self->wake);
}

static void tear_down(struct supervisor *self)
{
	rh_crew_fini(&self->crew);
	rh_pools_fini(&self->pools);
	json_decref(self->unsaved);
	if (self->options->center)
		rh_plan_fini(&self->plan);
	uv_close((uv_handle_t *)&self->wake, NULL);
	for (size_t i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&self->signals[i], NULL);
	uv_run(&self->loop, UV_RUN_DEFAULT); /* closes what is closing */
	uv_loop_close(&self->loop);
	rh_journal_fini(&self->journal);
}

int rh_supervise_run(const struct rh_supervise *options)
{
	struct supervisor self = { .options = options };
	struct rh_diag    diag = { 0 };

	if (set_up(&self, &diag) < 0) {
		fprintf(stderr, "rhodes: %s\n", diag.text);
		rh_journal_fini(&self.journal);
		return RH_EXIT_REFUSED;
	}
	rh_keeper_adopt();
	start(&self);
	uv_run(&self.loop, UV_RUN_DEFAULT);
	rh_keeper_end_children();
	if (options->center) {
		rh_queues_sweep(options->dirs->run);
		rh_known_save(options->dirs, NULL, NULL);
		rh_journal_tell(&self.journal, "the system \"%s\" is down",
		                options->dirs->system);
	}
	tear_down(&self);
	return self.exit;
}
