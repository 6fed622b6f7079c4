#include "maps.h"

#include "frame.h"

#include "../../base/diag.h"
#include "../../base/socket.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME_ROOM (RH_FRAME_MAX - RH_BPF_KEY_MAX - RH_BPF_VALUE_MAX - 1024u)

int rh_bpf_map_init(struct rh_bpf_its_map *map, const char *name, const char *type, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t            len = sizeof info;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || info.key_size > RH_BPF_KEY_MAX)
		return RH_EPROTO;
	*map = (struct rh_bpf_its_map){ .fd = fd, .kind = info.type,
		.key_bytes = info.key_size, .value_bytes = info.value_size,
		.entries_max = info.max_entries };
	snprintf(map->name, sizeof map->name, "%s", name);
	snprintf(map->type, sizeof map->type, "%s", type);
	return RH_OK;
}

void rh_bpf_map_fini(struct rh_bpf_its_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

void rh_bpf_map_put(const struct rh_bpf_its_map *map, struct rh_record_writer *writer)
{
	size_t place = rh_record_open(writer, RH_BPF_TAG_MAP);

	rh_record_put_text(writer, RH_BPF_TAG_NAME, map->name);
	rh_record_put_text(writer, RH_BPF_TAG_TYPE, map->type);
	rh_record_put_u32(writer, RH_BPF_TAG_KEY_BYTES, map->key_bytes);
	rh_record_put_u32(writer, RH_BPF_TAG_VALUE_BYTES, map->value_bytes);
	rh_record_put_u32(writer, RH_BPF_TAG_COUNT, map->entries_max);
	rh_record_close(writer, place);
}

/* ---- reading ---- */

static bool is_per_cpu(const struct rh_bpf_its_map *map)
{
	return map->kind == BPF_MAP_TYPE_PERCPU_HASH ||
	       map->kind == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       map->kind == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* The values of all processors, each begun at 8 bytes, become the first one. */
static void sum(unsigned char *values, size_t value_bytes, size_t copies)
{
	size_t stride = (value_bytes + 7) & ~(size_t)7;
	size_t width = value_bytes % 8 == 0 ? 8 : 4;

	for (size_t copy = 1; copy < copies; copy++) {
		for (size_t at = 0; at + width <= value_bytes; at += width) {
			uint64_t a = 0, b = 0;

			memcpy(&a, values + at, width);
			memcpy(&b, values + copy * stride + at, width);
			a += b;
			memcpy(values + at, &a, width);
		}
	}
}

struct reading {
	const struct rh_bpf_its_map *map;
	struct rh_record_writer     *writer;
	unsigned char               *values;
	size_t                       copies;
	unsigned char                key[RH_BPF_KEY_MAX];
	bool                         has_key;
};

static void put_entry(struct reading *reading)
{
	size_t value_bytes = reading->map->value_bytes;
	size_t place = rh_record_open(reading->writer, RH_BPF_TAG_ENTRY);

	if (reading->copies > 1)
		sum(reading->values, value_bytes, reading->copies);
	rh_record_put(reading->writer, RH_BPF_TAG_KEY, reading->key, reading->map->key_bytes);
	rh_record_put(reading->writer, RH_BPF_TAG_VALUE, reading->values,
	              value_bytes < RH_BPF_VALUE_MAX ? value_bytes : RH_BPF_VALUE_MAX);
	rh_record_close(reading->writer, place);
}

/* As much as fits.  A key that went meanwhile would make the kernel begin anew: that is
 * the end.  Returns whether it was the last. */
static bool read_on(struct reading *reading)
{
	const struct rh_bpf_its_map *map = reading->map;
	unsigned char                next[RH_BPF_KEY_MAX];

	if (reading->has_key && bpf_map_lookup_elem(map->fd, reading->key,
	                                            reading->values) < 0)
		return true;
	while (reading->writer->used < FRAME_ROOM) {
		if (bpf_map_get_next_key(map->fd, reading->has_key ? reading->key : NULL,
		                         next) < 0)
			return true;
		memcpy(reading->key, next, map->key_bytes);
		reading->has_key = true;
		if (bpf_map_lookup_elem(map->fd, reading->key, reading->values) < 0)
			return true;
		put_entry(reading);
	}
	return false;
}

int rh_bpf_map_read(const struct rh_bpf_its_map *map,
                    const struct rh_record_reader *records,
                    struct rh_record_writer *writer, struct rh_diag *diag)
{
	int              cpus = is_per_cpu(map) ? libbpf_num_possible_cpus() : 1;
	struct reading   reading = { .map = map, .writer = writer,
	                             .copies = cpus > 0 ? (size_t)cpus : 1 };
	struct rh_record key;

	if (map->kind == BPF_MAP_TYPE_RINGBUF || map->kind == BPF_MAP_TYPE_LPM_TRIE)
		return rh_diag_set(diag, RH_EINVAL, "map %s is a %s, which has no entries to be "
		                   "read one by one", map->name, map->type);
	if (rh_record_find(records, RH_BPF_TAG_KEY, &key) == RH_OK) {
		if (key.len != map->key_bytes)
			return rh_diag_set(diag, RH_EINVAL, "a key of map %s has %u bytes",
			                   map->name, map->key_bytes);
		memcpy(reading.key, key.bytes, key.len);
		reading.has_key = true;
	}
	reading.values = calloc(reading.copies, ((size_t)map->value_bytes + 7) & ~(size_t)7);
	if (!reading.values)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	bool is_last = read_on(&reading);
	free(reading.values);
	rh_record_put_u32(writer, RH_BPF_TAG_LAST, is_last);
	return RH_OK;
}

/* ---- writing ---- */

static int write_entry(const struct rh_bpf_its_map *map, const struct rh_record *entry,
                       struct rh_diag *diag)
{
	struct rh_record_reader inner;
	struct rh_record        key, value;
	int                     done;

	rh_record_read(&inner, entry->bytes, entry->len);
	int has_value = rh_record_find(&inner, RH_BPF_TAG_VALUE, &value) == RH_OK;
	if (rh_record_find(&inner, RH_BPF_TAG_KEY, &key) < 0 || key.len != map->key_bytes ||
	    (has_value && value.len != map->value_bytes))
		return rh_diag_set(diag, RH_EINVAL, "an entry of map %s has a key of %u and a "
			"value of %u bytes", map->name, map->key_bytes, map->value_bytes);
	done = has_value ? bpf_map_update_elem(map->fd, key.bytes, value.bytes, BPF_ANY)
	                 : bpf_map_delete_elem(map->fd, key.bytes);
	if (done == 0)
		return RH_OK;
	return rh_diag_set(diag, errno == ENOENT ? RH_ENOENT : errno == E2BIG ? RH_ENOSPC
	                   : RH_EINVAL, "map %s: %s", map->name, strerror(errno));
}

int rh_bpf_map_write(const struct rh_bpf_its_map *map,
                     const struct rh_record_reader *records, struct rh_diag *diag)
{
	struct rh_record_reader reader = *records;
	struct rh_record        record;
	int                     err = RH_OK;

	/* The kernel takes a value of each processor, and that is what nobody needs. */
	if (is_per_cpu(map) || map->name[0] == '.' || map->kind == BPF_MAP_TYPE_RINGBUF)
		return rh_diag_set(diag, RH_EINVAL, "map %s is a %s, which is not written from "
		                   "outside", map->name, map->type);
	while (!err && rh_record_next(&reader, &record) == 1) {
		if (record.tag == RH_BPF_TAG_ENTRY)
			err = write_entry(map, &record, diag);
	}
	return err;
}
