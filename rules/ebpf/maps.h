/* maps - the maps of a loaded rule, as they are looked at and written.
 *
 * Ownership  A map owns its descriptor.
 * Threads    One. */
#ifndef RH_RULES_EBPF_MAPS_H
#define RH_RULES_EBPF_MAPS_H

#include "../limits.h"

#include <stdint.h>

struct rh_diag;
struct rh_record_writer;
struct rh_record_reader;

struct rh_bpf_its_map {
	char     name[RH_BPF_NAME_MAX + 1];
	char     type[RH_BPF_NAME_MAX + 1];
	int      fd;
	uint32_t kind; /* enum bpf_map_type */
	uint32_t key_bytes, value_bytes, entries_max;
};

/* Takes the descriptor of a map and asks the kernel what it is.
 * RH_EPROTO  it is none; the descriptor is still the caller's. */
int rh_bpf_map_init(struct rh_bpf_its_map *map, const char *name, const char *type, int fd);

void rh_bpf_map_fini(struct rh_bpf_its_map *map);

/* A MAP record. */
void rh_bpf_map_put(const struct rh_bpf_its_map *map, struct rh_record_writer *writer);

/* ENTRY records after the key that records name, and LAST.
 * RH_EINVAL  the map has no entries to read, or the key is of another size. */
int rh_bpf_map_read(const struct rh_bpf_its_map *map,
                    const struct rh_record_reader *records,
                    struct rh_record_writer *writer, struct rh_diag *diag);

/* The ENTRY records, one after the other until one fails.
 * RH_EINVAL  a size is wrong or the rule's constants are meant; RH_ENOENT; RH_ENOSPC. */
int rh_bpf_map_write(const struct rh_bpf_its_map *map,
                     const struct rh_record_reader *records, struct rh_diag *diag);

#endif
