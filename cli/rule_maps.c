#include "rule.h"

#include "table.h"

#include "../base/diag.h"
#include "../rules/ebpf/client.h"
#include "../rules/ebpf/frame.h"

#include <stdio.h>
#include <string.h>

/* Rules of that name which rhodes-bpf holds on this node, one for each resource. */
struct found {
	const char        *rule;
	struct rh_bpf_held held[64];
	unsigned           count;
};

static void find(void *user, const struct rh_bpf_held *held)
{
	struct found *found = user;
	const char   *rule = strrchr(held->name, '/');

	if (rule && strcmp(rule + 1, found->rule) == 0 &&
	    found->count < sizeof found->held / sizeof found->held[0])
		found->held[found->count++] = *held;
}

/* ---- its maps ---- */

struct listing {
	struct rh_table          *table;
	const struct rh_bpf_held *held;
};

static void resource_of(const struct rh_bpf_held *held, char resource[RH_BPF_RULE_NAME_MAX + 1])
{
	snprintf(resource, RH_BPF_RULE_NAME_MAX + 1, "%.*s", (int)strcspn(held->name, "/"),
	         held->name);
}

static void add_map(void *user, const struct rh_bpf_map *map)
{
	const struct listing *listing = user;
	char                  resource[RH_BPF_RULE_NAME_MAX + 1];

	resource_of(listing->held, resource);
	rh_table_text(listing->table, resource);
	rh_table_text(listing->table, map->name);
	rh_table_text(listing->table, map->type);
	rh_table_number(listing->table, map->key_bytes);
	rh_table_number(listing->table, map->value_bytes);
	rh_table_number(listing->table, map->entries_max);
}

static int list_maps(struct rh_cli *cli, struct rh_bpf_client *client,
                     const struct found *found, struct rh_diag *diag)
{
	static const char *const headings[] = {
		"RESOURCE", "MAP", "TYPE", "+KEY", "+VALUE", "+ENTRIES AT MOST", NULL,
	};
	struct rh_table table;
	int             err = RH_OK;

	rh_table_init(&table, headings);
	for (unsigned i = 0; i < found->count && !err; i++) {
		struct listing listing = { &table, &found->held[i] };

		err = rh_bpf_maps(client, found->held[i].handle, add_map, &listing, diag);
	}
	if (!err)
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
	return err;
}

/* ---- where it is attached ---- */

static void add_program(void *user, const char *program, const char *point,
                        const struct rh_bpf_runs *runs)
{
	const struct listing *listing = user;
	char                  text[RH_BPF_RULE_NAME_MAX + 1];

	resource_of(listing->held, text);
	rh_table_text(listing->table, text);
	rh_table_text(listing->table, program);
	rh_table_text(listing->table, point);
	rh_table_number(listing->table, (long long)runs->calls);
	snprintf(text, sizeof text, "%.1f", (double)runs->ns / (double)runs->calls);
	rh_table_text(listing->table, runs->calls ? text : "");
	rh_table_number(listing->table, (long long)runs->missed);
}

static int list_programs(struct rh_cli *cli, struct rh_bpf_client *client,
                         const struct found *found, struct rh_diag *diag)
{
	static const char *const headings[] = {
		"RESOURCE", "PROGRAM", "ATTACHED TO", "+RUNS", "+NS A RUN", "+MISSED", NULL,
	};
	struct rh_table table;
	int             err = RH_OK;

	rh_table_init(&table, headings);
	for (unsigned i = 0; i < found->count && !err; i++) {
		struct listing listing = { &table, &found->held[i] };

		err = rh_bpf_runs(client, found->held[i].handle, add_program, &listing, diag);
	}
	if (!err)
		rh_table_print(&table, cli->out, true, cli->has_color);
	rh_table_fini(&table);
	return err;
}

/* ---- the entries of one ---- */

/* What is as long as numbers is shown as numbers, all else by its bytes. */
static void print_bytes(FILE *out, const unsigned char *bytes, size_t len)
{
	size_t width = len % 8 == 0 ? 8 : len == 4 ? 4 : 1;

	for (size_t at = 0; at < len; at += width) {
		unsigned long long number = 0;

		memcpy(&number, bytes + at, width);
		fprintf(out, width == 1 ? "%s%02llx" : "%s%llu", at && width > 1 ? " " : "",
		        number);
	}
}

static void print_entry(void *user, const void *key, size_t key_bytes, const void *value,
                        size_t value_bytes)
{
	FILE *out = user;

	print_bytes(out, key, key_bytes);
	fputs(": ", out);
	print_bytes(out, value, value_bytes);
	fputc('\n', out);
}

static int read_map(struct rh_cli *cli, struct rh_bpf_client *client,
                    const struct found *found, const char *map, struct rh_diag *diag)
{
	int err = RH_OK;

	for (unsigned i = 0; i < found->count && !err; i++) {
		if (found->count > 1)
			fprintf(cli->out, "%s\n", found->held[i].name);
		err = rh_bpf_read(client, found->held[i].handle, map, print_entry, cli->out,
		                  diag);
	}
	return err;
}

/* Connects to rhodes-bpf and finds the rule there. */
static int open_rule(struct rh_cli *cli, const char *rule, struct rh_bpf_client **ret_client,
                     struct found *found, struct rh_diag *diag)
{
	char path[RH_SOCKET_PATH_MAX + 1];
	int  err = rh_dirs_socket(&cli->dirs, RH_BPF_SOCKET, path, diag);

	if (!err)
		err = rh_bpf_connect(path, ret_client, diag);
	*found = (struct found){ .rule = rule };
	if (!err)
		err = rh_bpf_list(*ret_client, find, found, diag);
	if (!err && found->count == 0)
		err = rh_diag_set(diag, RH_ENOENT, "no rule %.63s of eBPF is attached on this "
		                  "node; `rhodes rule list` tells where it stands", rule);
	return err;
}

static int finish(struct rh_cli *cli, struct rh_bpf_client *client, int err,
                  const struct rh_diag *diag)
{
	rh_bpf_disconnect(client);
	return err ? rh_cli_fail(cli, rh_cli_exit_of(err), "%s", diag->text) : RH_EXIT_OK;
}

int rh_rule_maps(struct rh_cli *cli, const char *rule)
{
	static struct found   found;
	const char           *map = cli->args.word_count > 2 ? cli->args.words[2] : NULL;
	struct rh_bpf_client *client = NULL;
	struct rh_diag        diag = { 0 };
	int                   err = open_rule(cli, rule, &client, &found, &diag);

	if (!err)
		err = map ? read_map(cli, client, &found, map, &diag)
		          : list_maps(cli, client, &found, &diag);
	return finish(cli, client, err, &diag);
}

int rh_rule_attached(struct rh_cli *cli, const char *rule)
{
	static struct found   found;
	struct rh_bpf_client *client = NULL;
	struct rh_diag        diag = { 0 };
	int                   err = open_rule(cli, rule, &client, &found, &diag);

	if (!err)
		err = list_programs(cli, client, &found, &diag);
	if (!err)
		err = list_maps(cli, client, &found, &diag);
	return finish(cli, client, err, &diag);
}
