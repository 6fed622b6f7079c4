#include "governing.h"

#include "client.h"
#include "show.h"
#include "wait.h"

#include "../base/diag.h"
#include "../base/socket.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 10000

/* ---- the rule --------------------------------------------------------------- */

/* The rule that schedules the resource, borrowed from the list; NULL: none does. */
static const json_t *find_rule(const json_t *rules, const char *resource)
{
	size_t  i;
	json_t *rule;

	json_array_foreach(rules, i, rule) {
		const json_t *sched = json_object_get(json_object_get(rule, "spec"), "sched");
		const char   *name = rh_show_text(sched, "resource");

		if (name && strcmp(name, resource) == 0)
			return rule;
	}
	return NULL;
}

static bool says(const json_t *rule, const char *use, const char *carrier)
{
	const json_t *sched = json_object_get(json_object_get(rule, "spec"), "sched");
	const char   *its = rh_show_text(sched, "carrier");

	return strcmp(rh_show_text(sched, "use"), use) == 0 &&
	       (!carrier || strcmp(its ? its : "host", carrier) == 0);
}

static json_t *make_rule(const json_t *old, const char *resource, const char *use,
                         const char *carrier)
{
	char        made[RH_NAME_MAX + 16];
	const char *name = old ? rh_show_name(old) : made;
	json_t     *sched = json_pack("{s:s, s:s}", "resource", resource, "use", use);

	snprintf(made, sizeof made, "%s-sched", resource);
	if (carrier)
		json_object_set_new(sched, "carrier", json_string(carrier));
	return json_pack("{s:s, s:{s:s}, s:{s:o}}", "kind", "Rule", "metadata", "name", name,
	                 "spec", "sched", sched);
}

static int apply(struct rh_cli *cli, json_t *rule, uint64_t *ret_revision)
{
	json_t         *body = json_pack("{s:[o]}", "objects", rule);
	struct rh_ask   ask = { .method = "POST", .path = "/apis/v1/apply", .json = body };
	struct rh_reply reply;
	int             result = rh_client_ask(cli, &ask, &reply);

	json_decref(body);
	if (result != RH_EXIT_OK)
		return result;
	*ret_revision = (uint64_t)json_integer_value(json_object_get(json_array_get(
		json_object_get(reply.json, "results"), 0), "revision"));
	rh_reply_fini(&reply);
	return RH_EXIT_OK;
}

int rh_governing_state(struct rh_cli *cli, const char *resource, const char *use,
                       const char *carrier, uint64_t *ret_revision)
{
	json_t       *rules;
	const json_t *old;
	int           result = rh_client_list(cli, "/apis/v1/rules", "items", &rules);

	if (result != RH_EXIT_OK)
		return result;
	*ret_revision = 0;
	old = find_rule(rules, resource);
	if (!old || !says(old, use, carrier))
		result = apply(cli, make_rule(old, resource, use, carrier), ret_revision);
	json_decref(rules);
	return result;
}

/* ---- the process ------------------------------------------------------------ */

static int send_govern(int fd, const char *mode, uint64_t revision)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_text(&writer, RH_TAG_MODE, mode);
	if (revision)
		rh_record_put_u64(&writer, RH_TAG_REVISION, revision);
	return rh_socket_send(fd, RH_FRAME_GOVERN, 1, &writer, NULL, 0);
}

static int receive(int fd, unsigned char *buffer, struct rh_frame *ret_frame,
                   struct rh_diag *diag)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	if (poll(&look, 1, ANSWER_MS) <= 0)
		return rh_diag_set(diag, RH_ETIMEDOUT, "the agent did not answer in %d s",
		                   ANSWER_MS / 1000);
	if (rh_socket_receive(fd, buffer, ret_frame) < 0)
		return rh_diag_set(diag, RH_ELOST, "the agent hung up");
	return RH_OK;
}

/* A policy or carrier that is not known here is none for this program. */
static void read_in_force(const struct rh_frame *frame, struct rh_governing *ret)
{
	char                    use[RH_NAME_MAX + 1], carrier[RH_NAME_MAX + 1];
	struct rh_record_reader records;
	struct rh_record        item;

	if (rh_record_find(&frame->records, RH_TAG_SCHED_ITEM, &item) != RH_OK)
		return;
	rh_record_read(&records, item.bytes, item.len);
	ret->is_any = rh_record_text(&records, RH_TAG_POLICY, use, sizeof use) >= 0 &&
	              rh_record_text(&records, RH_TAG_MODE, carrier, sizeof carrier) >= 0 &&
	              rh_sched_use_parse(use, strlen(use), &ret->use) == RH_OK &&
	              rh_sched_carrier_parse(carrier, strlen(carrier), &ret->carrier) == RH_OK;
}

/* What an answer says against the rule, or its refusal of the process. */
static int read_answer(const struct rh_frame *frame, struct rh_governing *ret,
                       struct rh_diag *diag)
{
	int32_t code = 0;

	*diag = (struct rh_diag){ .code = RH_OK };
	rh_record_i32(&frame->records, RH_TAG_CODE, &code);
	if (code)
		rh_record_text(&frame->records, RH_TAG_TEXT, diag->text, sizeof diag->text);
	diag->code = code;
	read_in_force(frame, ret);
	return frame->type == RH_FRAME_GOVERNED ? RH_OK : code ? code : RH_EPROTO;
}

static int converse(const char *agent, const char *mode, uint64_t revision,
                    struct rh_governing *ret, struct rh_diag *diag)
{
	unsigned char  *buffer = malloc(RH_FRAME_MAX);
	struct rh_frame frame;
	int             fd = rh_socket_connect(agent, diag), r = fd;

	*ret = (struct rh_governing){ .is_any = false };
	if (!buffer)
		r = rh_diag_set(diag, RH_ENOMEM, "out of memory");
	if (r >= 0 && (r = send_govern(fd, mode, revision)) < 0)
		rh_diag_set(diag, r, "the agent hung up");
	if (r >= 0 && (r = receive(fd, buffer, &frame, diag)) == RH_OK) {
		r = read_answer(&frame, ret, diag);
		rh_frame_drop(&frame);
	}
	if (fd >= 0)
		close(fd);
	free(buffer);
	return r;
}

void rh_governing_ask(const char *agent, uint64_t revision, struct rh_governing *ret)
{
	struct rh_diag unused;

	converse(agent, "ask", revision, ret, &unused);
}

int rh_governing_join(struct rh_cli *cli, const char *agent, const char *carrier,
                      uint64_t revision, const char *asked)
{
	struct rh_governing is;
	struct rh_diag      diag = { .code = RH_OK };
	int                 r = converse(agent, carrier, revision, &is, &diag);

	if (!asked)
		return RH_EXIT_OK;
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "the agent does not govern this: %s",
		                   diag.text);
	if (diag.code && asked[0] && !is.is_any)
		fprintf(cli->err, "rhodes run: the rule is rejected, none is in force: %s: %s\n",
		        rh_error_name(diag.code), diag.text);
	else if (diag.code && asked[0] && strcmp(rh_sched_use_text(is.use), asked) != 0)
		fprintf(cli->err, "rhodes run: the rule is rejected, %s stays in force: %s: %s\n",
		        rh_sched_use_text(is.use), rh_error_name(diag.code), diag.text);
	else if (diag.code)
		fprintf(cli->err, "rhodes run: the rule is not wholly in force: %s: %s\n",
		        rh_error_name(diag.code), diag.text);
	return RH_EXIT_OK;
}
