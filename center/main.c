/* rhodes-center - the governance center of one system. */
#include "api/http.h"
#include "api/listen.h"
#include "builder.h"
#include "center.h"
#include "config.h"
#include "confine.h"
#include "chronicle.h"
#include "leftover.h"
#include "link.h"
#include "rollout_drive.h"
#include "store/store.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/dirs.h"
#include "../base/log.h"
#include "../base/ready.h"
#include "../base/socket.h"
#include "../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* How much of the audit chain is verified at start. */
#define AUDIT_CHECK 10000u

#define HOUR_MS  3600000u
#define RETRY_MS 10000u

#define HOLDER_MAX     32   /* bytes of the lock file                   */
#define HOLDER_ENDS_MS 2000 /* how long the end of a former center may take */

struct program {
	struct rh_config config;
	struct rh_center center;
	struct rh_store *store;
	struct rh_http  *unix_http;
	struct rh_http  *tcp_http;
	uv_loop_t        loop;
	uv_signal_t      terminate;
	uv_signal_t      interrupt;
	uv_prepare_t     prepare;
	uv_timer_t       expiry;
	uint64_t         expiry_revision; /* for which the timer is set        */
	uint64_t         expired_ms;      /* until when all has expired        */
	uv_timer_t       revocation;
	uint64_t         revoke_at;       /* for which the timer is set        */
	uv_timer_t       rollout;
	uint64_t         rollout_at;      /* for which the timer is set        */
	uv_timer_t       leftovers;
	char             token[RH_TOKEN_HEX];
	int              lock_fd;
	int              unix_fd;
	int              tcp_fd;
	uint16_t         tcp_port;
};

/* ---- the lock: one center for a run directory ---- */

/* Who has the lock, as text; "" when that is not written. */
static void read_holder(int fd, char text[HOLDER_MAX])
{
	ssize_t len = pread(fd, text, HOLDER_MAX - 1, 0);

	text[len > 0 ? (size_t)len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* After kill -9 of a supervisor its center may need a moment to end. */
static void await_end(const char *holder)
{
	struct pollfd look = { .events = POLLIN };
	pid_t         pid = (pid_t)strtol(holder, NULL, 10);

	look.fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (look.fd < 0)
		return;
	poll(&look, 1, HOLDER_ENDS_MS);
	close(look.fd);
}

/* Whether the center that wrote it still runs; without a word it may. */
static int is_there(const char *holder)
{
	pid_t pid = (pid_t)strtol(holder, NULL, 10);

	return pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH;
}

static int lock(struct program *program, struct rh_diag *diag)
{
	char path[RH_DIR_MAX + 16], text[HOLDER_MAX] = "";
	int  r;

	snprintf(path, sizeof path, "%s/center.lock", program->config.dirs.run);
	program->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (program->lock_fd < 0)
		return rh_diag_set(diag, RH_EIO, "%s: %s", path, strerror(errno));
	if ((r = flock(program->lock_fd, LOCK_EX | LOCK_NB)) < 0) {
		read_holder(program->lock_fd, text);
		await_end(text);
		r = flock(program->lock_fd, LOCK_EX | LOCK_NB);
	}
	if (r < 0 && !is_there(text))
		return rh_diag_set(diag, RH_EBUSY, "%s is held by another program, as for a"
		                   " backup; a center starts when it lets go", path);
	if (r < 0)
		return rh_diag_set(diag, RH_EBUSY, "another center (pid %s) serves %s",
		                   text[0] ? text : "unknown", program->config.dirs.run);
	int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(program->lock_fd, 0) < 0 ||
	    pwrite(program->lock_fd, text, (size_t)len, 0) != len)
		rh_warn("lock: %s: cannot write the pid: %s", path, strerror(errno));
	return RH_OK;
}

/* ---- the loop's callbacks ---- */

static void on_signal(uv_signal_t *handle, int number)
{
	struct program *program = handle->data;

	rh_info("stopping signal=%d", number);
	uv_stop(&program->loop);
}

static void on_expiry(uv_timer_t *timer);

static void arm_expiry(struct program *program)
{
	uint64_t next = rh_center_next_expiry(&program->center, program->expired_ms);
	uint64_t now = rh_when_now(), wait = next > now ? next - now : 0;

	program->expiry_revision = rh_center_revision(&program->center);
	if (next == UINT64_MAX)
		uv_timer_stop(&program->expiry);
	else /* Clocks are set: look again at least every hour. */
		uv_timer_start(&program->expiry, on_expiry,
		               wait < HOUR_MS ? wait + 1 : HOUR_MS, 0);
}

static void on_expiry(uv_timer_t *timer)
{
	struct program *program = timer->data;
	uint64_t        now = rh_when_now();

	if (rh_center_expire(&program->center) != RH_OK) {
		rh_error("expiry: the store refuses it; trying again");
		uv_timer_start(timer, on_expiry, RETRY_MS, 0);
		return;
	}
	program->expired_ms = now;
	arm_expiry(program);
}

/* ---- revocations whose deadline has come ---- */

static void on_revocation(uv_timer_t *timer);

static void arm_revocation(struct program *program)
{
	uint64_t now = rh_clock_ns();

	program->revoke_at = rh_revocations_next(&program->center.revocations);
	if (program->revoke_at == UINT64_MAX) {
		uv_timer_stop(&program->revocation);
		return;
	}
	uv_timer_start(&program->revocation, on_revocation, program->revoke_at > now
	               ? (program->revoke_at - now) / RH_NS_PER_MS + 1 : 0, 0);
}

static void on_revocation(uv_timer_t *timer)
{
	struct program *program = timer->data;

	if (rh_revocations_expire(&program->center) == RH_OK) {
		arm_revocation(program);
		return;
	}
	rh_error("revocation: the store refuses it; trying again, agents end it anyway");
	uv_timer_start(timer, on_revocation, RETRY_MS, 0);
}

/* ---- roll-outs that go on ---- */

static void on_rollout(uv_timer_t *timer)
{
	struct program *program = timer->data;

	program->rollout_at = RH_ROLLOUT_NEVER; /* says itself when to be called again */
	(void)rh_rollouts_drive(&program->center);
}

static void arm_rollout(struct program *program)
{
	uint64_t now = rh_clock_ns();

	program->rollout_at = rh_rollouts_next(&program->center);
	if (program->rollout_at == RH_ROLLOUT_NEVER) {
		uv_timer_stop(&program->rollout);
		return;
	}
	uv_update_time(&program->loop);
	uv_timer_start(&program->rollout, on_rollout, program->rollout_at > now
	               ? (program->rollout_at - now) / RH_NS_PER_MS + 1 : 0, 0);
}

/* After a change the next exception to end may be another one. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct program *program = prepare->data;

	if (program->expiry_revision != rh_center_revision(&program->center))
		arm_expiry(program);
	if (program->revoke_at != rh_revocations_next(&program->center.revocations))
		arm_revocation(program);
	if (program->rollout_at != rh_rollouts_next(&program->center))
		arm_rollout(program);
}

/* ---- modules ---- */

static void on_leftovers(uv_timer_t *timer)
{
	struct program *program = timer->data;

	(void)rh_leftovers_sweep(&program->center, rh_clock_ns());
}

/* Who published may be at either door. */
static void on_built(void *user)
{
	struct program *program = user;

	rh_http_unpark(program->unix_http);
	rh_http_unpark(program->tcp_http);
}

/* ---- the seven steps ---- */

static int open_sockets(struct program *program, struct rh_diag *diag)
{
	char path[RH_SOCKET_PATH_MAX + 1];
	int  err = rh_dirs_socket(&program->config.dirs, "center.sock", path, diag);

	if (err)
		return err;
	program->unix_fd = rh_listen_unix(path, diag);
	if (program->unix_fd < 0)
		return program->unix_fd;
	if (!program->config.tcp)
		return RH_OK;
	err = rh_token_load(program->config.dirs.run, program->token, diag);
	if (err)
		return err;
	program->tcp_fd = rh_listen_tcp(program->config.tcp, &program->tcp_port, diag);
	if (program->tcp_fd < 0)
		return program->tcp_fd;
	snprintf(program->center.tcp, sizeof program->center.tcp, "%s:%u",
	         program->config.tcp[0] == '[' ? "[::1]" : "127.0.0.1",
	         program->tcp_port);
	return RH_OK;
}

/* Nobody takes the backup for what was there before: see S3 of the store. */
static int tell_restored(struct program *program, struct rh_diag *diag)
{
	struct rh_client     client = { .channel = "center", .is_writer = 1 };
	struct rh_store_info info;
	char                *text;
	uint64_t             revision;
	int                  err;

	rh_store_info(program->store, &info);
	if (info.restored == 0)
		return RH_OK;
	rh_warn("%s is a backup: it is of revision %llu, and the one before it came to "
	        "%llu; agents and watchers take everything anew", info.path,
	        (unsigned long long)info.restored, (unsigned long long)info.revision);
	text = rh_audit_text(&(struct rh_audit){
		.client = &client, .verb = "restore", .result = "restored", .kind = "",
		.name = "", .before = info.revision, .after = info.restored,
	});
	err = rh_store_write(program->store, &(struct rh_store_change){
		.audits = (const char *const *)&text, .audit_count = text != NULL,
	}, &revision, diag);
	free(text);
	return err ? err : rh_store_sync(program->store, diag);
}

static int load(struct program *program, struct rh_diag *diag)
{
	struct rh_problem problem = { 0 };
	uint64_t          seq = 0;
	int err = rh_key_load(&program->center.key, program->config.dirs.state, diag);

	if (!err)
		err = rh_store_sqlite_open(program->config.dirs.state, &program->store,
		                           diag);
	if (err)
		return err;
	rh_chronicle_store(program->store);
	program->center.dirs = program->config.dirs;
	err = rh_center_init(&program->center, program->store, &problem);
	if (err)
		return rh_diag_set(diag, err, "%.230s", problem.detail);
	if (rh_audit_verify(program->store, AUDIT_CHECK, &seq) != RH_OK)
		rh_error("audit: the chain is broken at entry %llu: the log was altered",
		         (unsigned long long)seq);
	return tell_restored(program, diag);
}

static int prepare(struct program *program, struct rh_diag *diag)
{
	int err = rh_dirs_make(&program->config.dirs, diag);

	if (!err)
		err = lock(program, diag);
	if (!err)
		err = rh_dirs_sign(&program->config.dirs, diag);
	if (!err)
		err = load(program, diag);
	return err ? err : open_sockets(program, diag);
}

static int serve(struct program *program, struct rh_diag *diag)
{
	char path[RH_SOCKET_PATH_MAX + 1];
	int  err = rh_builder_open(program->center.builder, &program->loop, on_built, program);

	if (!err)
		err = rh_dirs_socket(&program->config.dirs, "link.sock", path, diag);
	if (!err)
		err = rh_link_open(&program->center, &program->loop, path,
		                   &program->config.push, diag);
	if (!err)
		err = rh_http_open(&program->center, &program->loop, program->unix_fd,
		                   NULL, 0, &program->unix_http, diag);
	if (!err && program->tcp_fd >= 0)
		err = rh_http_open(&program->center, &program->loop, program->tcp_fd,
		                   program->token, program->tcp_port, &program->tcp_http,
		                   diag);
	return err;
}

static void start_handles(struct program *program)
{
	uv_signal_init(&program->loop, &program->terminate);
	uv_signal_init(&program->loop, &program->interrupt);
	uv_prepare_init(&program->loop, &program->prepare);
	uv_timer_init(&program->loop, &program->expiry);
	uv_timer_init(&program->loop, &program->revocation);
	uv_timer_init(&program->loop, &program->rollout);
	uv_timer_init(&program->loop, &program->leftovers);
	program->leftovers.data = program;
	uv_timer_start(&program->leftovers, on_leftovers, HOUR_MS, HOUR_MS);
	program->revocation.data = program->rollout.data = program;
	program->revoke_at = program->rollout_at = UINT64_MAX;
	program->terminate.data = program->interrupt.data = program;
	program->prepare.data = program->expiry.data = program;
	uv_signal_start(&program->terminate, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	uv_prepare_start(&program->prepare, on_prepare);
	on_expiry(&program->expiry); /* what ended while no center ran */
}

static void tell_ready(struct program *program)
{
	rh_info("ready system=%s run=%s store=%s revision=%llu",
	        program->config.dirs.system, program->config.dirs.run,
	        program->center.store_id,
	        (unsigned long long)rh_center_revision(&program->center));
	if (program->tcp_http)
		rh_info("tcp port=%u: REST is also at http://%s, for clients that send"
		        " the token in %s/token",
		        program->tcp_port, program->center.tcp,
		        program->config.dirs.run);
	rh_ready_tell();
	if (program->config.ready_fd < 0) {
		rh_ready_tell();
		return;
	}
	if (write(program->config.ready_fd, "ready\n", 6) != 6)
		rh_warn("nobody reads the ready descriptor");
	close(program->config.ready_fd);
}

static void close_all(struct program *program)
{
	rh_http_close(program->tcp_http);
	rh_http_close(program->unix_http);
	rh_builder_close(program->center.builder);
	rh_link_close(&program->center);
	uv_close((uv_handle_t *)&program->terminate, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	uv_close((uv_handle_t *)&program->prepare, NULL);
	uv_close((uv_handle_t *)&program->expiry, NULL);
	uv_close((uv_handle_t *)&program->revocation, NULL);
	uv_close((uv_handle_t *)&program->rollout, NULL);
	uv_close((uv_handle_t *)&program->leftovers, NULL);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	uv_loop_close(&program->loop);
}

static void remove_sockets(const struct program *program)
{
	static const char *const names[] = { "center.sock", "link.sock" };
	char path[RH_DIR_MAX + 16];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", program->config.dirs.run, names[i]);
		unlink(path);
	}
}

static int run(struct program *program, struct rh_diag *diag)
{
	int err = prepare(program, diag);

	if (!err) {
		if (rh_confine(diag) != RH_OK)
			rh_warn("not confined: %s", diag->text);
		uv_loop_init(&program->loop);
		start_handles(program);
		err = serve(program, diag);
		if (!err) {
			tell_ready(program);
			uv_run(&program->loop, UV_RUN_DEFAULT);
		}
		close_all(program);
		remove_sockets(program);
	}
	rh_center_fini(&program->center);
	rh_store_close(program->store);
	return err;
}

int main(int argc, char **argv)
{
	static struct program program = { .lock_fd = -1, .unix_fd = -1, .tcp_fd = -1 };
	struct rh_diag        diag = { 0 };

	umask(077);
	rh_log_init("center");
	int err = rh_config_read(&program.config, argc, argv, &diag);
	if (err) {
		fprintf(stderr, "rhodes-center: %s\n%s", diag.text, rh_config_usage());
		return 2;
	}
	if (program.config.is_help || program.config.is_version) {
		fputs(program.config.is_help ? rh_config_usage()
		                             : "rhodes-center " RH_VERSION "\n", stdout);
		return 0;
	}
	/* Before anything is opened that it must not hold. */
	err = rh_builder_start(program.config.dirs.state, &program.center.builder, &diag);
	if (!err)
		err = run(&program, &diag);
	if (err) {
		rh_error("cannot serve: %s code=%s", diag.text, rh_error_name(err));
		return 1;
	}
	rh_info("stopped");
	return 0;
}
