#include "builder_child.h"

#include "key.h"

#include "../base/diag.h"
#include "../base/memory.h"
#include "../model/error.h"
#include "../rules/hook.h"
#include "../rules/wasm/build.h"
#include "../rules/wasm/tryout.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

/* A place of its own, without what a child that was killed left there.  Not before the
 * first order: by then this is the one center that uses the folder. */
static int make_folder(const char *folder, struct rh_diag *diag)
{
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return rh_diag_set(diag, RH_EIO, "%.200s: %s", folder, strerror(errno));
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return RH_OK;
}

static int build(const struct rh_build_order *order, int fd, const char *folder,
                 struct rh_build_outcome *outcome)
{
	const void     *bytes = NULL;
	struct rh_built built = { .fd = -1 };
	struct rh_diag  diag = { 0 };
	int err = rh_memory_map_frozen(fd, order->len, &bytes);

	if (!err && !outcome->tools[0])
		err = make_folder(folder, &diag);
	if (!err && !outcome->tools[0])
		err = find_tools(folder, outcome->tools, &diag);
	if (!err)
		err = rh_build_run(&(struct rh_build){
			.hook = &rh_hooks[order->hook], .module = bytes,
			.module_bytes = order->len, .memory_bytes = order->memory,
			.capabilities = order->capabilities, .folder = folder,
		}, &built, &diag);
	if (!err)
		err = rh_tryout(built.fd, &rh_hooks[order->hook], order->memory, &diag);
	if (err && built.fd >= 0)
		close(built.fd);
	if (bytes)
		rh_memory_unmap(bytes, order->len);
	if (err) {
		refuse(outcome, err, &diag);
		return -1;
	}
	outcome->err = RH_OK;
	outcome->len = built.bytes;
	outcome->is_confined = built.has_landlock && built.has_seccomp;
	return built.fd;
}

/* Nothing of the center's stays: its log is written to standard error. */
static void become(int socket, int parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "rhodes-builder");
	if (getppid() != parent || dup2(socket, SOCKET_FD) < 0)
		_exit(1);
	signal(SIGTERM, SIG_IGN); /* it ends when the center did */
	signal(SIGINT, SIG_IGN);
	syscall(SYS_close_range, SOCKET_FD + 1, ~0u, 0);
}

_Noreturn void rh_builder_child(int socket, int parent, const char *folder)
{
	struct rh_build_outcome outcome = { .err = 0 };
	struct rh_build_order   order;
	int                     fd;

	become(socket, parent);
	while (rh_builder_receive(SOCKET_FD, &order, sizeof order, &fd) == 1) {
		if (fd < 0 || order.hook >= rh_hook_count)
			break;
		int object = build(&order, fd, folder, &outcome);
		int sent = rh_builder_send(SOCKET_FD, &outcome, sizeof outcome, object);

		close(fd);
		if (object >= 0)
			close(object);
		if (sent < 0)
			break;
	}
	_exit(0);
}
