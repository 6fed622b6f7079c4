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
                struct rh_bpf_source *source, struct rh_bpf_answer *answer)
{
	const struct rh_rule_text *text = find_object(object);
	uint8_t                    sha256[32];

	if (!text)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "this rhodes was built without clang or "
		                   "libbpf, and has no rules of eBPF");
	crypto_hash_sha256(sha256, text->bytes, text->len);
	source->sha256 = sha256;
	source->object_fd = rh_memory_freeze(text->bytes, text->len);
	if (source->object_fd < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	int err = rh_bpf_load(client, source, answer);
	close(source->object_fd);
	if (err)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s: %s%s%s", source->name,
		                   answer->diag.text, answer->log[0] ? "\n" : "", answer->log);
	return RH_EXIT_OK;
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

	static struct rh_bpf_answer answer;

	snprintf(name, sizeof name, "observe/%d", (int)getpid());
	int result = load(cli, client, "observe.o", &source, &answer);
	*ret_handle = answer.handle;
	return result;
}

int rh_enforce_load(struct rh_cli *cli, struct rh_bpf_client *client,
                    struct rh_enforced *enforced)
{
	static struct rh_bpf_answer answer;
	static const char *const    keep[] = { "verdicts", "ready" };
	char                        four[RH_BPF_POINT_MAX + 1], six[RH_BPF_POINT_MAX + 1];
	char                        name[RH_BPF_RULE_NAME_MAX + 1];
	const struct rh_bpf_attach attach[] = { { "on_connect4", four }, { "on_connect6", six } };
	const struct rh_bpf_param  strict = { "strict", enforced->is_strict ? "1" : "0" };
	struct rh_bpf_source       source = { .name = name, .attach = attach, .attach_count = 2,
		.params = &strict, .param_count = 1, .keep = keep, .keep_count = 2 };

	snprintf(four, sizeof four, "connect4:%.480s", enforced->cgroup);
	snprintf(six, sizeof six, "connect6:%.480s", enforced->cgroup);
	snprintf(name, sizeof name, "connect/%s", enforced->resource);
	int result = load(cli, client, "connect.o", &source, &answer);
	enforced->handle = answer.handle;
	enforced->is_fresh = answer.kept == 0;
	return result;
}
