#include "loaded.h"

#include "../rule.h"

#include "../../base/memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "observe.o"; made when Rhodes was built. */
extern const struct rh_rule_text rh_observe_objects[];

static const struct rh_rule_text *find_object(const char *name)
{
	for (const struct rh_rule_text *text = rh_observe_objects; text->path; text++) {
		if (strcmp(text->path, name) == 0)
			return text;
	}
	return NULL;
}

static int load(struct rh_cli *cli, struct rh_bpf_client *client, const char *object,
                struct rh_bpf_source *source, uint64_t *ret_handle)
{
	const struct rh_rule_text *text = find_object(object);
	uint8_t                    sha256[32];
	struct rh_bpf_answer      *answer = malloc(sizeof *answer);

	if (!text || !answer) {
		free(answer);
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "this rhodes was built without clang or "
		                   "libbpf, and has no rules of eBPF");
	}
	crypto_hash_sha256(sha256, text->bytes, text->len);
	source->sha256 = sha256;
	source->object_fd = rh_memory_freeze(text->bytes, text->len);
	int err = source->object_fd < 0 ? RH_ENOMEM : rh_bpf_load(client, source, answer);
	if (source->object_fd >= 0)
		close(source->object_fd);
	*ret_handle = answer->handle;
	if (err)
		rh_cli_fail(cli, RH_EXIT_REFUSED, "%s: %s%s%s", source->name,
		            source->object_fd < 0 ? "out of memory" : answer->diag.text,
		            answer->log[0] ? "\n" : "", answer->log);
	free(answer);
	return err ? RH_EXIT_REFUSED : RH_EXIT_OK;
}

/* Its own name for each command: what another one counted is told already. */
int rh_observe_load(struct rh_cli *cli, struct rh_bpf_client *client, uint64_t *ret_handle)
{
	static const struct rh_bpf_attach attach[] = {
		{ "on_connect4", "connect4:/" }, { "on_connect6", "connect6:/" },
		{ "on_exec", "tp_btf:sched_process_exec" },
	};
	char                 name[RH_BPF_RULE_NAME_MAX + 1];
	struct rh_bpf_source source = { .name = name, .attach = attach, .attach_count = 3 };

	snprintf(name, sizeof name, "observe/%d", (int)getpid());
	return load(cli, client, "observe.o", &source, ret_handle);
}

int rh_enforce_load(struct rh_cli *cli, struct rh_bpf_client *client,
                    const char *resource, const char *cgroup, bool is_strict,
                    uint64_t *ret_handle)
{
	static const char *const   keep[] = { "verdicts", "ready" };
	char                       four[RH_BPF_POINT_MAX + 1], six[RH_BPF_POINT_MAX + 1];
	char                       name[RH_BPF_RULE_NAME_MAX + 1];
	const struct rh_bpf_attach attach[] = { { "on_connect4", four }, { "on_connect6", six } };
	const struct rh_bpf_param  strict = { "strict", is_strict ? "1" : "0" };
	struct rh_bpf_source       source = { .name = name, .attach = attach, .attach_count = 2,
		.params = &strict, .param_count = 1, .keep = keep, .keep_count = 2 };

	snprintf(four, sizeof four, "connect4:%.480s", cgroup);
	snprintf(six, sizeof six, "connect6:%.480s", cgroup);
	snprintf(name, sizeof name, "connect/%s", resource);
	return load(cli, client, "connect.o", &source, ret_handle);
}
