#include "builder_child.h"

#include "builder.h"
#include "builder_cache.h"

#include "foreman.h"
#include "key.h"

#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../base/memory.h"
#include "../base/signature.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../rules/hook.h"
#include "../rules/wasm/build.h"
#include "../rules/wasm/cpu.h"
#include "../rules/wasm/tryout.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TOOLS_MAX (256u << 10) /* bytes of what an object depends on */
#define SOCKET_FD 3

union control {
	struct cmsghdr head;
	char           space[CMSG_SPACE(sizeof(int))];
};

int rh_builder_send(int socket, const void *bytes, size_t len, int fd)
{
	struct iovec  part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	union control control = { .space = { 0 } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int rh_builder_receive(int socket, void *bytes, size_t len, int *ret_fd)
{
	struct iovec  part = { .iov_base = bytes, .iov_len = len };
	union control control = { .space = { 0 } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n;

	*ret_fd = -1;
	while ((n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n < 0)
		return -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
	if ((size_t)n == len)
		return 1;
	if (*ret_fd >= 0)
		close(*ret_fd);
	return 0;
}

/* ---- the child ---- */

static void refuse(struct rh_build_outcome *outcome, int err, const struct rh_diag *diag)
{
	outcome->err = err;
	snprintf(outcome->why, sizeof outcome->why, "%s", diag->text);
}

struct places {
	char build[PATH_MAX]; /* emptied when it is ordered */
	char kept[PATH_MAX];
};

/* What is built with does not change while it runs, or it is told too late. */
static int find_tools(const char *folder, char tools[65], struct rh_diag *diag)
{
	char *text = malloc(TOOLS_MAX);
	int   len = text ? rh_build_tools(folder, text, TOOLS_MAX, diag) : RH_ENOMEM;

	if (len >= 0)
		rh_sha256_hex(text, (unsigned long long)len, tools);
	free(text);
	return len < 0 ? len : RH_OK;
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *place)
{
	(void)status, (void)kind;
	return place->level > 0 ? remove(path) : 0;
}

/* What a builder that was killed left there.  Only when it is ordered: by then this is the
 * one center that uses the folder. */
static void throw_away(const struct places *places)
{
	nftw(places->build, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	rh_builder_cache_sweep(places->kept);
}

static int make_folder(const char *folder, struct rh_diag *diag)
{
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return rh_diag_set(diag, RH_EIO, "%.200s: %s", folder, strerror(errno));
	return RH_OK;
}

/* All that an object depends on; the hook also by its functions, whose places it has. */
static void key_of(const struct rh_build_order *order, const void *bytes,
                   const char *tools, char key[RH_SHA256_HEX])
{
	const struct rh_hook *hook = &rh_hooks[order->hook];
	char                  sha256[RH_SHA256_HEX], text[2048];
	size_t                used;

	rh_sha256_hex(bytes, order->len, sha256);
	used = (size_t)snprintf(text, sizeof text, "%s %s %u %u %u %u", sha256, tools,
	                        rh_hook_abi(hook), order->memory, order->capabilities,
	                        order->variant);
	for (unsigned i = 0; i < hook->export_count; i++) {
		used += (size_t)snprintf(text + used, sizeof text - used, " %s%s",
		                         hook->exports[i].name, hook->exports[i].signature);
		RH_CHECK(used < sizeof text);
	}
	rh_sha256_hex(text, used, key);
}

/* An object with GS cannot be tried where GS is not there. */
static int build_new(const struct rh_build_order *order, const void *bytes,
                     const char *folder, struct rh_builder_kept *ret_kept,
                     struct rh_diag *diag)
{
	struct rh_built built = { .fd = -1 };
	bool            is_portable = order->variant & RH_BUILD_PORTABLE;
	int             err = rh_build_run(&(struct rh_build){
		.hook = &rh_hooks[order->hook], .module = bytes,
		.module_bytes = order->len, .memory_bytes = order->memory,
		.capabilities = order->capabilities, .folder = folder,
		.is_portable = is_portable, .has_fuel = order->variant & RH_BUILD_FUEL,
	}, &built, diag);

	if (!err && (is_portable || rh_cpu_has_gs()))
		err = rh_tryout(built.fd, &rh_hooks[order->hook], order->memory, diag);
	if (err && built.fd >= 0)
		close(built.fd);
	*ret_kept = (struct rh_builder_kept){
		.fd = built.fd, .len = built.bytes,
		.is_confined = built.has_landlock && built.has_seccomp,
	};
	return err;
}

static int build_or_find(const struct rh_build_order *order, const void *bytes,
                         const struct places *places, struct rh_build_outcome *outcome,
                         struct rh_diag *diag)
{
	struct rh_builder_kept kept;
	char                   key[RH_SHA256_HEX];
	int                    err;

	key_of(order, bytes, outcome->tools, key);
	outcome->is_kept = rh_builder_cache_find(places->kept, key, &kept) == RH_OK;
	if (!outcome->is_kept) {
		err = build_new(order, bytes, places->build, &kept, diag);
		if (err)
			return err;
		rh_builder_cache_keep(places->kept, key, &kept);
	}
	outcome->err = RH_OK;
	outcome->len = kept.len;
	outcome->is_confined = kept.is_confined;
	return kept.fd;
}

/* Returns the object's descriptor, or a negative number. */
static int build(const struct rh_build_order *order, int fd, const struct places *places,
                 struct rh_build_outcome *outcome)
{
	const void    *bytes = NULL;
	struct rh_diag diag = { 0 };
	int            result = rh_memory_map_frozen(fd, order->len, &bytes);

	if (!result && !outcome->tools[0])
		result = make_folder(places->build, &diag);
	if (!result && !outcome->tools[0])
		result = find_tools(places->build, outcome->tools, &diag);
	if (!result)
		result = build_or_find(order, bytes, places, outcome, &diag);
	if (bytes)
		rh_memory_unmap(bytes, order->len);
	if (result < 0)
		refuse(outcome, result, &diag);
	return result;
}

/* Nothing of the center's stays: its log is written to standard error. */
static void become(int socket)
{
	if (dup2(socket, SOCKET_FD) < 0)
		_exit(1);
	signal(SIGTERM, SIG_IGN); /* it ends when the center did */
	signal(SIGINT, SIG_IGN);
	syscall(SYS_close_range, SOCKET_FD + 1, ~0u, 0);
}

/* 0, or -1: nobody takes the outcome. */
static int obey(const struct rh_build_order *order, int fd, const struct places *places,
                struct rh_build_outcome *outcome)
{
	int object, sent;

	rh_failpoint("building");
	object = build(order, fd, places, outcome);
	outcome->number = order->number;
	rh_failpoint("built");
	sent = rh_builder_send(SOCKET_FD, outcome, sizeof *outcome, object);
	if (object >= 0)
		close(object);
	return sent;
}

static int serve(struct rh_foreman_board *board, const char *state)
{
	struct rh_build_outcome outcome = { .err = 0 };
	struct rh_build_order   order;
	static struct places    places;
	int                     fd, got;

	snprintf(places.build, sizeof places.build, "%.4000s/build", state);
	snprintf(places.kept, sizeof places.kept, "%.4000s/built", state);
	while ((got = rh_builder_receive(SOCKET_FD, &order, sizeof order, &fd)) == 1) {
		int is_order = fd >= 0 && order.hook < rh_hook_count;

		if (order.len == 0)
			throw_away(&places);
		else if (!is_order || obey(&order, fd, &places, &outcome) < 0)
			return 1;
		else
			board->built++;
		if (fd >= 0)
			close(fd);
	}
	return got == 0 ? 0 : 1;
}

static void tell_death(void)
{
	struct rh_build_outcome outcome = { .err = RH_EIO };

	rh_builder_send(SOCKET_FD, &outcome, sizeof outcome, -1);
}

_Noreturn void rh_builder_child(int socket, int parent, const char *state)
{
	become(socket);
	rh_foreman_run(parent, serve, tell_death, state);
}
