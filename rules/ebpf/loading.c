#include "loading.h"

#include "frame.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "../../base/sanitized.h"
#include "../../base/socket.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_MEMORY (2ull << 30)

/* ---- the child ---- */

static int order_of(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Whatever else is open would stay attached or connected as long as the child lives. */
static void close_others(int *own, unsigned count)
{
	unsigned from = STDERR_FILENO + 1;

	qsort(own, count, sizeof own[0], order_of);
	for (unsigned i = 0; i < count; i++) {
		if (own[i] < (int)from)
			continue;
		if ((unsigned)own[i] > from)
			syscall(SYS_close_range, from, (unsigned)own[i] - 1, 0);
		from = (unsigned)own[i] + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0);
}

static _Noreturn void be_child(const struct rh_bpf_machine *machine,
                               const struct rh_bpf_order *order,
                               const struct rh_bpf_rule *former, int out)
{
	struct rh_bpf_kept kept[RH_BPF_MAPS_MAX];
	int                own[RH_BPF_MAPS_MAX + 4] = { out, machine->tracefs,
	                                                machine->cgroup, machine->opener };
	unsigned           count = 0;
	struct rlimit      none = { 0, 0 };
	struct rlimit      seconds = { RH_BPF_LOAD_MS / 1000, RH_BPF_LOAD_MS / 1000 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
#if !RH_IS_SANITIZED /* its shadow is larger than any limit */
	setrlimit(RLIMIT_AS, &(struct rlimit){ CHILD_MEMORY, CHILD_MEMORY });
#endif
	setrlimit(RLIMIT_CPU, &seconds);
	setrlimit(RLIMIT_CORE, &none);
	for (unsigned i = 0; former && i < former->map_count; i++) {
		kept[count].fd = former->maps[i].fd;
		memcpy(kept[count].name, former->maps[i].name, sizeof kept[count].name);
		own[4 + count++] = former->maps[i].fd;
	}
	close_others(own, 4 + count);
	rh_bpf_load_child(machine, order, kept, count, out);
}

int rh_bpf_loading_init(struct rh_bpf_loading *loading,
                        const struct rh_bpf_machine *machine,
                        const struct rh_bpf_order *order,
                        const struct rh_bpf_rule *former, struct rh_diag *diag)
{
	int pair[2];

	*loading = (struct rh_bpf_loading){ .fd = -1 };
	loading->rule = rh_bpf_rule_create(order);
	if (!loading->rule)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	if (rh_socket_pair(0, pair) < 0) {
		rh_bpf_loading_fini(loading);
		return rh_diag_set(diag, RH_EIO, "no descriptors are left");
	}
	fflush(NULL);
	loading->pid = fork();
	if (loading->pid == 0)
		be_child(machine, order, former, pair[1]);
	close(pair[1]);
	loading->fd = pair[0];
	loading->deadline_ns = rh_clock_ns() + RH_BPF_LOAD_MS * RH_NS_PER_MS;
	if (loading->pid < 0) {
		rh_bpf_loading_fini(loading);
		return rh_diag_set(diag, RH_ENOMEM, "no process can be made: %s",
		                   strerror(errno));
	}
	return RH_OK;
}

/* ---- what it says ---- */

static int take_map(struct rh_bpf_loading *loading, struct rh_frame *frame)
{
	char                    name[RH_BPF_NAME_MAX + 1], type[RH_BPF_NAME_MAX + 1];
	struct rh_record        record;
	struct rh_record_reader inner;
	int                     fd = rh_frame_take_fd(frame, 0);

	if (fd < 0)
		return RH_EPROTO;
	if (rh_record_find(&frame->records, RH_BPF_TAG_MAP, &record) == RH_OK) {
		rh_record_read(&inner, record.bytes, record.len);
		if (rh_record_text(&inner, RH_BPF_TAG_NAME, name, sizeof name) == RH_OK &&
		    rh_record_text(&inner, RH_BPF_TAG_TYPE, type, sizeof type) == RH_OK)
			return rh_bpf_rule_add_map(loading->rule, name, type, fd);
	}
	close(fd);
	return RH_EPROTO;
}

static int take_program(struct rh_bpf_loading *loading, struct rh_frame *frame)
{
	char name[RH_BPF_NAME_MAX + 1];
	int  fd = rh_frame_take_fd(frame, 0);

	if (fd < 0)
		return RH_EPROTO;
	if (rh_record_text(&frame->records, RH_BPF_TAG_NAME, name, sizeof name) == RH_OK)
		return rh_bpf_rule_add_program(loading->rule, name, fd);
	close(fd);
	return RH_EPROTO;
}

static int take_links(struct rh_bpf_loading *loading, struct rh_frame *frame)
{
	int err = RH_OK;

	for (unsigned i = 0; i < frame->fd_count && !err; i++)
		err = rh_bpf_rule_add_link(loading->rule, rh_frame_take_fd(frame, i));
	return err;
}

static int take_refusal(struct rh_bpf_loading *loading, const struct rh_frame *frame)
{
	int32_t code = RH_EIO;
	char    text[RH_DIAG_MAX] = "";

	rh_record_i32(&frame->records, RH_BPF_TAG_CODE, &code);
	rh_record_text(&frame->records, RH_BPF_TAG_TEXT, text, sizeof text);
	rh_record_text(&frame->records, RH_BPF_TAG_LOG, loading->log, sizeof loading->log);
	return rh_diag_set(&loading->diag, code < 0 ? code : RH_EIO, "%s",
	                   text[0] ? text : "it gave no reason");
}

static int handle(struct rh_bpf_loading *loading, struct rh_frame *frame)
{
	int err = RH_EPROTO;

	switch (frame->type) {
	case RH_BPF_CHILD_MAP:
		err = take_map(loading, frame);
		break;
	case RH_BPF_CHILD_PROGRAM:
		err = take_program(loading, frame);
		break;
	case RH_BPF_CHILD_LINK:
		err = take_links(loading, frame);
		break;
	case RH_BPF_REFUSED:
		return take_refusal(loading, frame);
	case RH_BPF_CHILD_DONE:
		if (rh_record_u32(&frame->records, RH_BPF_TAG_COUNT, &loading->handed) == RH_OK)
			return RH_OK;
		break;
	default:
		break;
	}
	if (err)
		return rh_diag_set(&loading->diag, err, "what loads the rule broke the format");
	return RH_EAGAIN;
}

int rh_bpf_loading_read(struct rh_bpf_loading *loading, void *buffer)
{
	struct rh_frame frame;
	int             err = rh_socket_receive(loading->fd, buffer, &frame);

	if (err)
		return rh_diag_set(&loading->diag, RH_EINVAL, "what loads the rule broke on this "
		                   "object: it is malformed, or took over %u s or 2 GiB",
		                   RH_BPF_LOAD_MS / 1000);
	err = handle(loading, &frame);
	rh_frame_drop(&frame);
	return err;
}

void rh_bpf_loading_fini(struct rh_bpf_loading *loading)
{
	if (loading->fd >= 0)
		close(loading->fd);
	if (loading->pid > 0) {
		kill(loading->pid, SIGKILL);
		while (waitpid(loading->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	rh_bpf_rule_destroy(loading->rule);
	*loading = (struct rh_bpf_loading){ .fd = -1 };
}
