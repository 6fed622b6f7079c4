#include "held.h"

#include "frame.h"

#include "../../model/check.h"
#include "../../model/error.h"
#include "../../wire/record.h"

#include <bpf/bpf.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rh_bpf_rule *rh_bpf_rule_create(const struct rh_bpf_order *order)
{
	struct rh_bpf_rule *rule = calloc(1, sizeof *rule);

	if (!rule)
		return NULL;
	memcpy(rule->name, order->name, sizeof rule->name);
	memcpy(rule->sha256, order->sha256, sizeof rule->sha256);
	memcpy(rule->print, order->print, sizeof rule->print);
	for (unsigned i = 0; i < order->attach_count; i++) {
		struct rh_bpf_its_program *program = &rule->programs[rule->program_count++];

		memcpy(program->name, order->attach[i].program, sizeof program->name);
		memcpy(program->point, order->attach[i].text, sizeof program->point);
		program->fd = -1;
	}
	return rule;
}

void rh_bpf_rule_destroy(struct rh_bpf_rule *rule)
{
	if (!rule)
		return;
	for (unsigned i = 0; i < rule->link_count; i++)
		close(rule->links[i]);
	for (unsigned i = 0; i < rule->program_count; i++) {
		if (rule->programs[i].fd >= 0)
			close(rule->programs[i].fd);
	}
	for (unsigned i = 0; i < rule->map_count; i++)
		rh_bpf_map_fini(&rule->maps[i]);
	free(rule);
}

int rh_bpf_rule_add_map(struct rh_bpf_rule *rule, const char *name, const char *type,
                        int fd)
{
	int err = rule->map_count == RH_BPF_MAPS_MAX ? RH_ENOSPC
	          : rh_bpf_map_init(&rule->maps[rule->map_count], name, type, fd);

	if (err)
		close(fd);
	else
		rule->map_count++;
	return err;
}

int rh_bpf_rule_add_link(struct rh_bpf_rule *rule, int fd)
{
	if (rule->link_count == RH_BPF_LINKS_MAX) {
		close(fd);
		return RH_ENOSPC;
	}
	rule->links[rule->link_count++] = fd;
	return RH_OK;
}

int rh_bpf_rule_add_program(struct rh_bpf_rule *rule, const char *name, int fd)
{
	for (unsigned i = 0; i < rule->program_count; i++) {
		if (rule->programs[i].fd >= 0 || strcmp(rule->programs[i].name, name) != 0)
			continue;
		rule->programs[i].fd = fd;
		return RH_OK;
	}
	close(fd);
	return RH_EPROTO;
}

static void put_run(const struct rh_bpf_its_program *program,
                    struct rh_record_writer *writer)
{
	struct bpf_prog_info info = { 0 };
	uint32_t             len = sizeof info;
	size_t               place = rh_record_open(writer, RH_BPF_TAG_PROGRAM);

	rh_record_put_text(writer, RH_BPF_TAG_NAME, program->name);
	rh_record_put_text(writer, RH_BPF_TAG_TEXT, program->point);
	if (bpf_obj_get_info_by_fd(program->fd, &info, &len) == 0) {
		rh_record_put_u64(writer, RH_BPF_TAG_CALLS, info.run_cnt);
		rh_record_put_u64(writer, RH_BPF_TAG_TOOK, info.run_time_ns);
		rh_record_put_u64(writer, RH_BPF_TAG_MISSED, info.recursion_misses);
	}
	rh_record_close(writer, place);
}

void rh_bpf_rule_put_runs(const struct rh_bpf_rule *rule,
                          struct rh_record_writer *writer)
{
	for (unsigned i = 0; i < rule->program_count; i++)
		put_run(&rule->programs[i], writer);
}

const struct rh_bpf_its_map *rh_bpf_rule_map(const struct rh_bpf_rule *rule,
                                             const char *name)
{
	for (unsigned i = 0; i < rule->map_count; i++) {
		if (strcmp(rule->maps[i].name, name) == 0)
			return &rule->maps[i];
	}
	return NULL;
}

/* ---- the table ---- */

struct rh_bpf_rule *rh_bpf_table_find(const struct rh_bpf_table *table, const char *name)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (strcmp(table->rules[i]->name, name) == 0)
			return table->rules[i];
	}
	return NULL;
}

struct rh_bpf_rule *rh_bpf_table_handle(const struct rh_bpf_table *table, uint64_t handle)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (table->rules[i]->handle == handle)
			return table->rules[i];
	}
	return NULL;
}

int rh_bpf_table_put(struct rh_bpf_table *table, struct rh_bpf_rule *rule)
{
	struct rh_bpf_rule *former = rh_bpf_table_find(table, rule->name);

	if (!former && table->count == RH_BPF_RULES_MAX)
		return RH_ENOSPC;
	rule->handle = ++table->handles;
	if (former)
		rh_bpf_table_drop(table, former); /* H1; the new one is attached already */
	table->rules[table->count++] = rule;
	return RH_OK;
}

void rh_bpf_table_drop(struct rh_bpf_table *table, struct rh_bpf_rule *rule)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (table->rules[i] != rule)
			continue;
		table->rules[i] = table->rules[--table->count];
		rh_bpf_rule_destroy(rule);
		return;
	}
	RH_CHECK(0); /* it was a rule of the table */
}

void rh_bpf_table_orphan(struct rh_bpf_table *table, uint64_t owner, uint64_t deadline_ns)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct rh_bpf_rule *rule = table->rules[i];

		if (rule->owner != owner)
			continue;
		rule->owner = 0;
		rule->pid = 0;
		rule->deadline_ns = deadline_ns; /* H2 */
	}
}

uint64_t rh_bpf_table_expire(struct rh_bpf_table *table, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = table->count; i-- > 0;) {
		struct rh_bpf_rule *rule = table->rules[i];

		if (rule->owner != 0)
			continue;
		if (rule->deadline_ns <= now_ns)
			rh_bpf_table_drop(table, rule); /* the last one takes its place */
		else if (rule->deadline_ns < next)
			next = rule->deadline_ns;
	}
	return next;
}
