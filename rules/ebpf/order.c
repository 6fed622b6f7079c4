#include "order.h"

#include "frame.h"

#include "../../base/diag.h"
#include "../../base/memory.h"
#include "../../base/socket.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- lists ---- */

static int take_pair(const struct rh_record *record, char *name, size_t name_cap,
                     char *text, size_t text_cap)
{
	struct rh_record_reader inner;

	rh_record_read(&inner, record->bytes, record->len);
	int err = rh_record_text(&inner, RH_BPF_TAG_NAME, name, name_cap);
	return err ? err : rh_record_text(&inner, RH_BPF_TAG_TEXT, text, text_cap);
}

static int take_attach(struct rh_bpf_order *order, const struct rh_record *record,
                       struct rh_diag *diag)
{
	if (order->attach_count == RH_BPF_PROGRAMS_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "at most %u programs are attached",
		                   RH_BPF_PROGRAMS_MAX);
	struct rh_bpf_order_attach *attach = &order->attach[order->attach_count++];
	if (take_pair(record, attach->program, sizeof attach->program, attach->text,
	              sizeof attach->text) < 0)
		return rh_diag_set(diag, RH_EPROTO, "an attach point is malformed");
	return rh_bpf_point_read(attach->text, &attach->point, diag);
}

static int take_param(struct rh_bpf_order *order, const struct rh_record *record,
                      struct rh_diag *diag)
{
	if (order->param_count == RH_RULE_PARAMS_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "at most %u parameters are given",
		                   RH_RULE_PARAMS_MAX);
	struct rh_bpf_order_param *param = &order->params[order->param_count++];
	return take_pair(record, param->name, sizeof param->name, param->value,
	                 sizeof param->value) < 0
	       ? rh_diag_set(diag, RH_EPROTO, "a parameter is malformed") : RH_OK;
}

static int take_keep(struct rh_bpf_order *order, const struct rh_record *record,
                     struct rh_diag *diag)
{
	if (order->keep_count == RH_BPF_MAPS_MAX ||
	    rh_record_copy_text(record, order->keep[order->keep_count],
	                        sizeof order->keep[0]) < 0)
		return rh_diag_set(diag, RH_EPROTO, "the list of maps to keep is malformed");
	order->keep_count++;
	return RH_OK;
}

static int take_lists(struct rh_bpf_order *order, const struct rh_frame *frame,
                      struct rh_diag *diag)
{
	struct rh_record_reader reader = frame->records;
	struct rh_record        record;
	int                     more, err = RH_OK;

	while (!err && (more = rh_record_next(&reader, &record)) == 1) {
		if (record.tag == RH_BPF_TAG_POINT)
			err = take_attach(order, &record, diag);
		else if (record.tag == RH_BPF_TAG_PARAM)
			err = take_param(order, &record, diag);
		else if (record.tag == RH_BPF_TAG_KEEP)
			err = take_keep(order, &record, diag);
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "the request is cut off");
	if (!err && order->attach_count == 0)
		err = rh_diag_set(diag, RH_EINVAL, "nothing is to be attached: name a program "
		                  "and where it goes");
	return err;
}

/* ---- the object ---- */

static int copy_object(struct rh_bpf_order *order, int fd, struct rh_diag *diag)
{
	struct stat st;
	const void *at;

	/* Only a memfd has seals; a file of another kind may make whoever looks wait. */
	if (fd < 0 || fcntl(fd, F_GET_SEALS) < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return rh_diag_set(diag, RH_EPROTO, "no object came along in a memfd");
	if ((uint64_t)st.st_size > RH_BPF_OBJECT_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "an object of eBPF has at most %u bytes",
		                   RH_BPF_OBJECT_MAX);
	if (rh_memory_map_frozen(fd, (size_t)st.st_size, &at) < 0)
		return rh_diag_set(diag, RH_EPROTO, "the object is not a frozen memfd");
	order->object_bytes = (size_t)st.st_size;
	order->object = malloc(order->object_bytes);
	if (order->object)
		memcpy(order->object, at, order->object_bytes);
	rh_memory_unmap(at, (size_t)st.st_size);
	return order->object ? RH_OK : rh_diag_set(diag, RH_ENOMEM, "out of memory");
}

static int check_hash(struct rh_bpf_order *order, const struct rh_frame *frame,
                      struct rh_diag *diag)
{
	struct rh_record record;

	crypto_hash_sha256(order->sha256, order->object, order->object_bytes);
	if (rh_record_find(&frame->records, RH_BPF_TAG_HASH, &record) < 0 ||
	    record.len != sizeof order->sha256 ||
	    memcmp(record.bytes, order->sha256, sizeof order->sha256) != 0)
		return rh_diag_set(diag, RH_EPROTO, "the object is not the one whose SHA-256 "
		                   "was named");
	return RH_OK;
}

static int check_programs(const struct rh_bpf_order *order, struct rh_diag *diag)
{
	for (unsigned i = 0; i < order->attach_count; i++) {
		const char *program = order->attach[i].program;

		if (!rh_bpf_object_program(&order->holds, program))
			return rh_diag_set(diag, RH_EINVAL, "the object has no program %s; its "
				"first one is %s", program, order->holds.programs[0].name);
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(order->attach[j].program, program) == 0)
				return rh_diag_set(diag, RH_EINVAL, "program %s is to be "
				                   "attached twice", program);
		}
	}
	return RH_OK;
}

static int take_object(struct rh_bpf_order *order, struct rh_frame *frame,
                       struct rh_diag *diag)
{
	int fd = rh_frame_take_fd(frame, 0);
	int err = copy_object(order, fd, diag);

	if (fd >= 0)
		close(fd);
	if (!err)
		err = check_hash(order, frame, diag);
	if (!err)
		err = rh_bpf_object_read(order->object, order->object_bytes, &order->holds,
		                         diag);
	return err ? err : check_programs(order, diag);
}

int rh_bpf_order_init(struct rh_bpf_order *order, struct rh_frame *frame,
                      struct rh_diag *diag)
{
	memset(order, 0, sizeof *order);
	order->memory_bytes = RH_BPF_MEMORY;
	rh_record_u64(&frame->records, RH_BPF_TAG_BYTES, &order->memory_bytes);
	int err = rh_record_text(&frame->records, RH_BPF_TAG_NAME, order->name,
	                         sizeof order->name);
	if (err || !order->name[0])
		return rh_diag_set(diag, RH_EPROTO, "the rule has no name, or one over %u bytes",
		                   RH_BPF_RULE_NAME_MAX);
	if (order->memory_bytes > RH_BPF_MEMORY_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE, "maps of a rule have at most %u bytes",
		                   RH_BPF_MEMORY_MAX);
	crypto_hash_sha256(order->print, frame->records.bytes, frame->records.len);
	err = take_lists(order, frame, diag);
	if (!err)
		err = take_object(order, frame, diag);
	if (err)
		rh_bpf_order_fini(order);
	return err;
}

void rh_bpf_order_fini(struct rh_bpf_order *order)
{
	free(order->object);
	order->object = NULL;
}
