#include "load.h"

#include "attach.h"
#include "frame.h"
#include "params.h"

#include "../../base/diag.h"
#include "../../base/plural.h"
#include "../../base/socket.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VERIFIER_ROOM (16u << 20) /* of memory that is touched as it is needed */
#define SAID_ROOM     4096u

struct load {
	const struct rh_bpf_machine *machine;
	const struct rh_bpf_order   *order;
	const struct rh_bpf_kept    *kept;
	unsigned                     kept_count;
	int                          out;
	uint64_t                     request;
	struct bpf_object           *object;
	char                        *verifier;  /* what it said, VERIFIER_ROOM          */
	uint32_t                     handed;    /* maps taken over                      */
	struct rh_diag               diag;
	unsigned char                bytes[RH_FRAME_MAX];
};

/* ---- what libbpf says ---- */

static char   said[SAID_ROOM];
static size_t said_len;

static int hear(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof line, format, args);
	size_t len = strlen(line);
	if (len < sizeof said - said_len) {
		memcpy(said + said_len, line, len + 1);
		said_len += len;
	}
	return 0;
}

/* ---- to the parent ---- */

static struct rh_record_writer start(struct load *load)
{
	struct rh_record_writer writer;

	rh_record_begin(&writer, load->bytes, sizeof load->bytes -
	                                      sizeof(struct rh_frame_head));
	return writer;
}

static void tell(struct load *load, uint8_t type, const struct rh_record_writer *writer,
                 const int *fds, unsigned count)
{
	if (rh_socket_send(load->out, type, 0, writer, fds, count) < 0)
		_exit(1); /* the parent has gone, or does not want it any more */
}

/* The end of the verifier's log, from the beginning of a line. */
static const char *tail_of(const char *log)
{
	size_t      len = strlen(log);
	const char *from = len < RH_BPF_LOG_MAX ? log : log + len - (RH_BPF_LOG_MAX - 1);

	if (from > log && strchr(from, '\n'))
		from = strchr(from, '\n') + 1;
	return from;
}

static _Noreturn void refuse(struct load *load, int code)
{
	struct rh_record_writer writer = start(load);
	const char             *log = load->verifier && load->verifier[0] ? load->verifier
	                                                                   : said;

	rh_record_put_i32(&writer, RH_BPF_TAG_CODE, code);
	rh_record_put_text(&writer, RH_BPF_TAG_TEXT, load->diag.text);
	if (log[0])
		rh_record_put_text(&writer, RH_BPF_TAG_LOG, tail_of(log));
	tell(load, RH_BPF_REFUSED, &writer, NULL, 0);
	_exit(0);
}

/* ---- open ---- */

static void open_object(struct load *load)
{
	struct bpf_object_open_opts options = {
		.sz = sizeof options, .object_name = "rhodes",
		.kernel_log_buf = load->verifier, .kernel_log_size = VERIFIER_ROOM,
	};

	load->object = bpf_object__open_mem(load->order->object, load->order->object_bytes,
	                                    &options);
	if (load->object)
		return;
	char why[128];
	libbpf_strerror(errno, why, sizeof why); /* it has codes of its own */
	refuse(load, rh_diag_set(&load->diag, RH_EINVAL, "the object cannot be read: %s", why));
}

static const struct rh_bpf_order_attach *attach_of(const struct rh_bpf_order *order,
                                                   const char *program)
{
	for (unsigned i = 0; i < order->attach_count; i++) {
		if (strcmp(order->attach[i].program, program) == 0)
			return &order->attach[i];
	}
	return NULL;
}

/* A program that goes nowhere is not loaded. */
static void prepare_programs(struct load *load)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, load->object) {
		const struct rh_bpf_order_attach *attach = attach_of(load->order,
		                                             bpf_program__name(program));

		bpf_program__set_autoload(program, attach != NULL);
		int err = attach ? rh_bpf_attach_prepare(program, &attach->point, &load->diag)
		                 : RH_OK;
		if (err)
			refuse(load, err);
	}
}

/* ---- maps ---- */

static const struct {
	enum bpf_map_type type;
	int               is_per_cpu;
} types[] = {
	{ BPF_MAP_TYPE_HASH, 0 }, { BPF_MAP_TYPE_ARRAY, 0 }, { BPF_MAP_TYPE_PERCPU_HASH, 1 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 1 }, { BPF_MAP_TYPE_LRU_HASH, 0 },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 1 }, { BPF_MAP_TYPE_LPM_TRIE, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0 }, { BPF_MAP_TYPE_STACK_TRACE, 0 },
};

static uint64_t bytes_of(struct load *load, const struct bpf_map *map)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (types[i].type != bpf_map__type(map))
			continue;
		uint64_t copies = types[i].is_per_cpu ? (uint64_t)sysconf(_SC_NPROCESSORS_CONF)
		                                      : 1;
		if (types[i].type == BPF_MAP_TYPE_RINGBUF)
			return bpf_map__max_entries(map);
		return ((uint64_t)bpf_map__key_size(map) + bpf_map__value_size(map) * copies) *
		       bpf_map__max_entries(map);
	}
	refuse(load, rh_diag_set(&load->diag, RH_EINVAL, "map %s is of a type that a rule "
		"cannot have (%s)", bpf_map__name(map),
		libbpf_bpf_map_type_str(bpf_map__type(map))));
}

static void check_maps(struct load *load)
{
	struct bpf_map *map;
	uint64_t        bytes = 0;

	bpf_object__for_each_map(map, load->object) {
		if (!bpf_map__autocreate(map))
			continue;
		if (bpf_map__pin_path(map))
			refuse(load, rh_diag_set(&load->diag, RH_EINVAL, "map %s wants to be "
				"pinned, and rules pin nothing", bpf_map__name(map)));
		bytes += bytes_of(load, map);
	}
	if (bytes > load->order->memory_bytes)
		refuse(load, rh_diag_set(&load->diag, RH_EMSGSIZE, "the maps of the rule have "
			"%llu bytes, its limit is %llu", (unsigned long long)bytes,
			(unsigned long long)load->order->memory_bytes));
}

/* The map of the former rule in place of a new one, when it is of the same kind. */
static void take_over(struct load *load, struct bpf_map *map,
                      const struct rh_bpf_kept *kept)
{
	struct bpf_map_info info = { 0 };
	uint32_t            len = sizeof info;

	if (bpf_obj_get_info_by_fd(kept->fd, &info, &len) < 0 ||
	    info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map) ||
	    info.max_entries != bpf_map__max_entries(map) ||
	    bpf_map__reuse_fd(map, kept->fd) < 0)
		refuse(load, rh_diag_set(&load->diag, RH_EINVAL, "map %s is to be kept, but the "
			"rule before has it with another type or size", kept->name));
	load->handed++;
}

static void take_over_all(struct load *load)
{
	for (unsigned i = 0; i < load->order->keep_count; i++) {
		const char     *name = load->order->keep[i];
		struct bpf_map *map = bpf_object__find_map_by_name(load->object, name);

		if (!map || bpf_map__is_internal(map))
			refuse(load, rh_diag_set(&load->diag, RH_EINVAL, "map %s is to be kept, "
				"but the rule has none of that name", name));
		for (unsigned j = 0; j < load->kept_count; j++) {
			if (strcmp(load->kept[j].name, name) == 0)
				take_over(load, map, &load->kept[j]);
		}
	}
}

static void tell_map(struct load *load, const struct bpf_map *map)
{
	struct rh_record_writer writer = start(load);
	const char *name = bpf_map__name(map);
	const char *own = bpf_map__is_internal(map) ? strchr(name, '.') : NULL;
	int         fd = bpf_map__fd(map);
	size_t      place = rh_record_open(&writer, RH_BPF_TAG_MAP);

	rh_record_put_text(&writer, RH_BPF_TAG_NAME, own ? own : name);
	rh_record_put_text(&writer, RH_BPF_TAG_TYPE,
	                   libbpf_bpf_map_type_str(bpf_map__type(map)));
	rh_record_close(&writer, place);
	tell(load, RH_BPF_CHILD_MAP, &writer, &fd, 1);
}

/* ---- load and attach ---- */

/* What the verifier says last is a summary; before it stands why. */
static void find_reason(const char *log, char *text, size_t cap)
{
	const char *end = log + strlen(log), *from;
	char        line[160];

	text[0] = '\0';
	while (end > log) {
		while (end > log && end[-1] == '\n')
			end--;
		from = end;
		while (from > log && from[-1] != '\n')
			from--;
		snprintf(line, sizeof line, "%.*s", (int)(end - from), from);
		end = from;
		if (!line[0] || strncmp(line, "processed ", 10) == 0 ||
		    strncmp(line, "verification time", 17) == 0 ||
		    strncmp(line, "stack depth", 11) == 0)
			continue;
		snprintf(text, cap, "%s", line);
		return;
	}
}

static void load_object(struct load *load)
{
	char reason[160];

	if (bpf_object__load(load->object) == 0)
		return;
	int err_no = errno;
	find_reason(load->verifier, reason, sizeof reason);
	if (reason[0])
		refuse(load, rh_diag_set(&load->diag, RH_EINVAL, "the kernel's verifier refused "
		                         "it: %s", reason));
	find_reason(said, reason, sizeof reason);
	refuse(load, rh_diag_set(&load->diag, err_no == EPERM ? RH_EPERM : RH_EIO,
		"the kernel did not load it: %s%s%.120s", strerror(err_no),
		reason[0] ? "; " : "", reason));
}

static void tell_program(struct load *load, const struct bpf_program *program)
{
	struct rh_record_writer writer = start(load);
	int                     fd = bpf_program__fd(program);

	rh_record_put_text(&writer, RH_BPF_TAG_NAME, bpf_program__name(program));
	tell(load, RH_BPF_CHILD_PROGRAM, &writer, &fd, 1);
}

static void tell_links(struct load *load, const char *program, const int *fds,
                       unsigned count)
{
	while (count > 0) {
		unsigned                part = count < RH_FRAME_FDS_MAX ? count : RH_FRAME_FDS_MAX;
		struct rh_record_writer writer = start(load);

		rh_record_put_text(&writer, RH_BPF_TAG_NAME, program);
		tell(load, RH_BPF_CHILD_LINK, &writer, fds, part);
		fds += part;
		count -= part;
	}
}

static void attach_all(struct load *load)
{
	int      fds[RH_BPF_LINKS_MAX];
	unsigned room = RH_BPF_LINKS_MAX;

	for (unsigned i = 0; i < load->order->attach_count; i++) {
		const struct rh_bpf_order_attach *attach = &load->order->attach[i];
		struct bpf_program *program = bpf_object__find_program_by_name(load->object,
		                                                              attach->program);
		int count = program ? rh_bpf_attach(load->machine, program, &attach->point, fds,
		                                    room, &load->diag)
			: rh_diag_set(&load->diag, RH_EINVAL, "program %s is not in a section of "
			              "its own kind", attach->program);
		if (count < 0)
			refuse(load, count);
		tell_program(load, program);
		tell_links(load, attach->program, fds, (unsigned)count);
		room -= (unsigned)count;
	}
}

_Noreturn void rh_bpf_load_child(const struct rh_bpf_machine *machine,
                                 const struct rh_bpf_order *order,
                                 const struct rh_bpf_kept *kept, unsigned kept_count,
                                 int out)
{
	struct load load = { .machine = machine, .order = order, .kept = kept,
	                     .kept_count = kept_count, .out = out };
	struct rh_record_writer writer;
	struct bpf_map         *map;
	void *room = mmap(NULL, VERIFIER_ROOM, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	libbpf_set_print(hear);
	if (room == MAP_FAILED)
		refuse(&load, rh_diag_set(&load.diag, RH_ENOMEM, "out of memory"));
	load.verifier = room;
	open_object(&load);
	prepare_programs(&load);
	check_maps(&load);
	int err = rh_bpf_params(load.object, order, &load.diag);
	if (err)
		refuse(&load, err);
	take_over_all(&load);
	load_object(&load);
	bpf_object__for_each_map(map, load.object) {
		if (bpf_map__fd(map) >= 0)
			tell_map(&load, map);
	}
	attach_all(&load);
	writer = start(&load);
	rh_record_put_u32(&writer, RH_BPF_TAG_COUNT, load.handed);
	tell(&load, RH_BPF_CHILD_DONE, &writer, NULL, 0);
	_exit(0);
}
