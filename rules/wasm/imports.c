#include "imports.h"

#include "../author/rhodes/rule_host.h"
#include "../limits.h"
#include "../wasi.h"
#include "frame.h"
#include "instance.h"
#include "memory.h"
#include "preview1.h"
#include "wasm-rt.h"

/* A jump leaves these frames: they must not be marked by AddressSanitizer. */
#define IMPORT __attribute__((no_sanitize("address"), noinline))

/* ---- memory ---- */

IMPORT static void memory_allocate(wasm_rt_memory_t *memory, uint32_t pages, uint32_t most)
{
	struct rh_thread *self = rh_frame_out();
	uint32_t          limit = rh_instance_pages_max(self->turn.instance);

	if (pages <= limit)
		memory->data = rh_memory_reserve(pages * RH_RULE_PAGE);
	if (!memory->data)
		rh_frame_trap(RH_TRAP_MEMORY);
	memory->pages = pages;
	memory->max_pages = most < limit ? most : limit;
	memory->size = pages * RH_RULE_PAGE;
	rh_instance_turn(self->turn.instance);
	rh_frame_in(self);
}

IMPORT static uint32_t memory_grow(wasm_rt_memory_t *memory, uint32_t more)
{
	struct rh_thread *self = rh_frame_out();
	uint32_t          pages = memory->pages, result = UINT32_MAX;

	if (more <= memory->max_pages - pages &&
	    rh_memory_extend(memory->data, memory->size, (pages + more) * RH_RULE_PAGE) == 0) {
		memory->pages = pages + more;
		memory->size = memory->pages * RH_RULE_PAGE;
		result = pages;
	}
	rh_frame_in(self);
	return result;
}

static void memory_free(wasm_rt_memory_t *memory)
{
	rh_memory_release(memory->data);
	memory->data = NULL;
}

/* ---- tables: the two kinds differ in the size of their elements ---- */

_Static_assert(sizeof(wasm_rt_funcref_table_t) == sizeof(wasm_rt_externref_table_t), "");

IMPORT static void table_allocate(void *at, uint32_t size, uint32_t most, uint32_t bytes)
{
	struct rh_thread        *self = rh_frame_out();
	wasm_rt_funcref_table_t *table = at;

	if (rh_instance_elements(self->turn.instance, size))
		table->data = calloc(size ? size : 1, bytes);
	if (!table->data)
		rh_frame_trap(RH_TRAP_MEMORY);
	table->size = size;
	table->max_size = most;
	rh_frame_in(self);
}

IMPORT static uint32_t table_grow(void *at, uint32_t more, const void *with,
                                  uint32_t bytes)
{
	struct rh_thread        *self = rh_frame_out();
	wasm_rt_funcref_table_t *table = at;
	uint32_t                 size = table->size, result = UINT32_MAX;
	uint8_t                 *data = NULL;

	if (more <= table->max_size - size && rh_instance_elements(self->turn.instance, more))
		data = realloc(table->data, (size_t)(size + more + 1) * bytes);
	if (data) {
		for (uint32_t i = size; i < size + more; i++)
			memcpy(data + (size_t)i * bytes, with, bytes);
		table->data = (void *)data;
		table->size = size + more;
		result = size;
	}
	rh_frame_in(self);
	return result;
}

static void table_free(void *at)
{
	wasm_rt_funcref_table_t *table = at;

	free(table->data);
	table->data = NULL;
}

/* ---- module rhodes ---- */

IMPORT static uint64_t now(void)
{
	struct rh_thread          *self = rh_frame_out();
	const struct rh_rule_host *host = rh_instance_host(self->turn.instance);
	uint64_t                   value = host->now(host->user);

	rh_frame_in(self);
	return value;
}

IMPORT static uint64_t random_bits(void)
{
	struct rh_thread          *self = rh_frame_out();
	const struct rh_rule_host *host = rh_instance_host(self->turn.instance);
	uint64_t                   value = host->random(host->user);

	rh_frame_in(self);
	return value;
}

/* What the rule points at, or the end of its call. */
IMPORT static void *bytes_at(const struct rh_thread *self, uint32_t address, uint32_t len)
{
	void *at = rh_instance_at(self->turn.instance, address, len);

	if (!at)
		rh_frame_trap(WASM_RT_TRAP_OOB);
	return at;
}

IMPORT static void log_line(uint32_t text, uint32_t length)
{
	struct rh_thread          *self = rh_frame_out();
	const struct rh_rule_host *host = rh_instance_host(self->turn.instance);

	host->log(host->user, bytes_at(self, text, length), length);
	rh_frame_in(self);
}

IMPORT static uint32_t param(uint32_t name, uint32_t length, uint32_t into, uint32_t room)
{
	struct rh_thread          *self = rh_frame_out();
	const struct rh_rule_host *host = rh_instance_host(self->turn.instance);
	const char                *from = bytes_at(self, name, length);
	char                      *to = bytes_at(self, into, room);
	int32_t                    value = host->param(host->user, from, length, to, room);

	rh_frame_in(self);
	return (uint32_t)value;
}

/* ---- WASI ---- */

IMPORT static uint32_t wasi(uint32_t function, const uint64_t *values)
{
	struct rh_thread *self = rh_frame_out();
	uint32_t          value;

	if (function == RH_WASI_proc_exit)
		rh_frame_trap(RH_TRAP_EXIT);
	value = rh_preview1_call(self->turn.instance, function, values);
	rh_frame_in(self);
	return value;
}

const struct rh_wasm_runtime rh_wasm_imports = {
	.trap = rh_frame_trap,
	.memory_allocate = memory_allocate,
	.memory_grow = memory_grow,
	.memory_free = memory_free,
	.table_allocate = table_allocate,
	.table_grow = table_grow,
	.table_free = table_free,
	.now = now,
	.random = random_bits,
	.log = log_line,
	.param = param,
	.wasi = wasi,
};
