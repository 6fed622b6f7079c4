#include "framing.h"

#include "pair.h"

#include "base/memory.h"
#include "rules/codec.h"
#include "rules/hook.h"
#include "rules/rule.h"
#include "rules/wasm/build.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char framing_why[160];

static struct rh_rule_source chosen;

/* ---- the table of the protocol, on a codec ---- */

static int noted(struct rh_codec *codec, int r)
{
	if (r == RH_ERULE)
		snprintf(framing_why, sizeof framing_why, "%.159s",
		         rh_rule_why(rh_codec_rule(codec)));
	return r;
}

static void *to_message(void *user)
{
	return rh_codec_message(user);
}

static void *to_bytes(void *user)
{
	return rh_codec_bytes(user);
}

static int most(void *user, uint32_t length)
{
	return noted(user, rh_codec_most(user, length));
}

static int send(void *user, uint32_t length, const void **ret_bytes)
{
	return noted(user, rh_codec_send(user, length, ret_bytes));
}

static int receive(void *user, uint32_t at, uint32_t end, uint32_t *ret_used,
                   const void **ret_message)
{
	return noted(user, rh_codec_receive(user, at, end, ret_used, ret_message));
}

static void blame(void *user, const char *why)
{
	rh_rule_blame(rh_codec_rule(user), why);
	noted(user, RH_ERULE);
}

static void close_codec(void *user)
{
	rh_codec_close(user);
}

static const struct rh_framing_ops codec_ops = {
	.message = to_message, .bytes = to_bytes, .most = most, .send = send,
	.receive = receive, .blame = blame, .close = close_codec,
};

const struct rh_framing *framing_load(int which)
{
	static struct rh_framing framing;
	struct rh_rule          *rule = NULL;
	struct rh_codec         *codec = NULL;
	struct rh_diag           diag = { 0 };

	if (!chosen.hook)
		return NULL;
	if (rh_rule_load(&chosen, &rule, &diag) < 0 ||
	    rh_codec_open(rule, (enum rh_codec_side)which, &codec, &diag) < 0)
		fail_msg("%s", diag.text);
	framing = (struct rh_framing){ .ops = &codec_ops, .user = codec,
	                               .name = "a shipped rule", .id = 0x1122334455667788 };
	return &framing;
}

/* ---- objects ---- */

static unsigned char *read_file(const char *path, size_t *ret_len)
{
	struct stat    st;
	int            fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *bytes = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && (bytes = malloc((size_t)st.st_size + 1)) &&
	    read(fd, bytes, (size_t)st.st_size) != st.st_size) {
		free(bytes);
		bytes = NULL;
	}
	if (fd >= 0)
		close(fd);
	*ret_len = bytes ? (size_t)st.st_size : 0;
	return bytes;
}

static int build(const unsigned char *module, size_t len)
{
	struct rh_build build = {
		.hook = rh_hook_find("protocol"), .module = module, .module_bytes = len,
	};
	struct rh_built built = { .fd = -1 };
	struct rh_diag  diag = { 0 };

	if (rh_build_run(&build, &built, &diag) < 0)
		print_error("%s\n", diag.text);
	return built.fd;
}

void framing_use(const struct rh_rule_source *source)
{
	chosen = *source;
}

int framing_choose(const char *protocol)
{
	char           name[32], path[512];
	const char    *rule = protocol + strlen("module-");
	int            is_wasm = strstr(rule, "-wasm") != NULL, fd = -1;
	size_t         len;
	unsigned char *bytes;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(rule, "-"), rule);
	snprintf(path, sizeof path, "%s/%s.%s", RULES, name, is_wasm ? "wasm" : "so");
	bytes = read_file(path, &len);
	if (bytes)
		fd = is_wasm ? build(bytes, len) : rh_memory_freeze(bytes, len);
	free(bytes);
	chosen = (struct rh_rule_source){
		.hook = rh_hook_find("protocol"),
		.mode = is_wasm ? RH_RULE_WASM : RH_RULE_NATIVE, .object_fd = fd,
	};
	return fd >= 0;
}
