#include "probe.h"

#include "agent.h"
#include "code.h"
#include "codetell.h"
#include "leave.h"
#include "pollfd.h"
#include "settle.h"

#include "../base/log.h"
#include "../base/memory.h"
#include "../rules/ebpf/client.h"
#include "../rules/ebpf/frame.h"
#include "../rules/hook.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RETRY_MS 500u
#define LOOK_MS  1000u /* how often it is asked what rules did */

struct probe {
	struct rh_list       in_probes;
	struct rh_code_place place;
	char                 rule[RH_NAME_MAX + 1];
	uint64_t             request;  /* B1 */
	int                  is_again; /* ... is for place.active, which was lost */
	uint64_t             handle;   /* of place.active; 0: it is lost          */
	uint64_t             look;     /* request: what did it do? 0: none        */
	uint64_t             looked;   /* ... of that handle                      */
};

struct rh_probes {
	struct rh_agent      *agent;
	struct rh_list        list;
	struct rh_bpf_client *client; /* NULL: not connected */
	struct rh_pollfd     *ready;
	uv_timer_t            retry, look;
	struct rh_bpf_answer  answer; /* that is being taken */
};

static void lose(struct rh_probes *probes);

/* ---- the connection --------------------------------------------------------- */

static struct probe *probe_of_request(struct rh_probes *probes, uint64_t request)
{
	RH_LIST_EACH(node, &probes->list) {
		struct probe *probe = RH_CONTAINER(node, struct probe, in_probes);

		if (probe->request == request)
			return probe;
	}
	return NULL;
}

/* The first line of the verifier's reason is in the text; what it said goes to the log. */
static void refuse(struct probe *probe, const struct rh_bpf_answer *answer)
{
	struct rh_diag why;

	rh_diag_set(&why, answer->code, "rule %s: %.200s", probe->rule, answer->diag.text);
	if (answer->log[0])
		rh_warn_often("rule %s: the kernel said:\n%s", probe->rule, answer->log);
	if (probe->is_again)
		rh_warn_often("rule %s cannot be attached again: %s", probe->rule, why.text);
	else if (probe->place.next)
		rh_code_refuse(&probe->place, &why);
}

/* What it did stands beside what other rules did (codetell.c). */
static void take_runs(struct rh_probes *probes)
{
	const struct rh_bpf_answer *answer = &probes->answer;

	RH_LIST_EACH(node, &probes->list) {
		struct probe   *probe = RH_CONTAINER(node, struct probe, in_probes);
		struct rh_code *code = probe->place.active;

		if (probe->look != answer->request)
			continue;
		probe->look = 0;
		if (!code || probe->handle != probe->looked)
			return; /* another one is in force meanwhile */
		code->calls = answer->runs.calls;
		code->ns = answer->runs.ns;
		code->counters.failures[RH_FAILED_MISSED] = answer->runs.missed;
		code->counters.instances = 1;
		rh_codetell_changed(probes->agent);
		return;
	}
}

static void take(struct rh_probes *probes)
{
	const struct rh_bpf_answer *answer = &probes->answer;
	struct probe               *probe = probe_of_request(probes, answer->request);

	if (answer->is_runs)
		take_runs(probes);
	if (!probe)
		return; /* of one that went meanwhile, or that something was detached */
	probe->request = 0;
	if (answer->code) {
		refuse(probe, answer);
		return;
	}
	probe->handle = answer->handle;
	if (!probe->is_again && probe->place.next)
		rh_code_started(&probe->place);
}

static void on_ready(void *user, int events)
{
	struct rh_probes *probes = user;
	int               r;

	(void)events;
	rh_log_as(probes->agent->name);
	while ((r = rh_bpf_take(probes->client, &probes->answer)) == RH_OK)
		take(probes);
	if (r != RH_EAGAIN)
		lose(probes);
}

static int connect_helper(struct rh_probes *probes, struct rh_diag *why)
{
	char path[RH_DIR_MAX + 16];
	int  r;

	if (probes->client)
		return RH_OK;
	snprintf(path, sizeof path, "%s/" RH_BPF_SOCKET, probes->agent->run_dir);
	if ((r = rh_bpf_connect(path, &probes->client, why)) < 0)
		return r;
	r = rh_pollfd_open(probes->agent->loop, rh_bpf_fd(probes->client), UV_READABLE,
	                   on_ready, probes, &probes->ready);
	if (r == RH_OK)
		return RH_OK;
	rh_bpf_disconnect(probes->client);
	probes->client = NULL;
	return rh_diag_set(why, r, "rhodes-bpf cannot be watched");
}

static void disconnect(struct rh_probes *probes)
{
	rh_pollfd_close(probes->ready);
	rh_bpf_disconnect(probes->client);
	probes->ready = NULL;
	probes->client = NULL;
}

/* ---- asking ----------------------------------------------------------------- */

/* What a rule of eBPF has beside its parameters stands among them (center/item.c):
 * "@PROGRAM=POINT", "+MAP=". */
struct lists {
	struct rh_bpf_attach attach[RH_CODESPEC_PARAMS_MAX];
	struct rh_bpf_param  params[RH_CODESPEC_PARAMS_MAX];
	const char          *keep[RH_CODESPEC_PARAMS_MAX];
};

static void sort(const struct rh_codespec *spec, struct lists *lists,
                 struct rh_bpf_source *source)
{
	for (unsigned i = 0; i < spec->param_count; i++) {
		const char *name = spec->params[i].name, *value = spec->params[i].value;

		if (name[0] == '@')
			lists->attach[source->attach_count++] =
				(struct rh_bpf_attach){ name + 1, value };
		else if (name[0] == '+')
			lists->keep[source->keep_count++] = name + 1;
		else
			lists->params[source->param_count++] =
				(struct rh_bpf_param){ name, value };
	}
	source->attach = lists->attach;
	source->params = lists->params;
	source->keep = lists->keep;
}

static int hash(int fd, uint8_t sha256[32], struct rh_diag *why)
{
	struct stat st;
	const void *at;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 ||
	    rh_memory_map_frozen(fd, (size_t)st.st_size, &at) < 0)
		return rh_diag_set(why, RH_EIO, "the object of the rule cannot be read");
	crypto_hash_sha256(sha256, at, (unsigned long long)st.st_size);
	rh_memory_unmap(at, (size_t)st.st_size);
	return RH_OK;
}

static int ask(struct probe *probe, const struct rh_code *code, struct rh_diag *why)
{
	struct rh_probes    *probes = probe->place.agent->probes;
	struct lists         lists;
	uint8_t              sha256[32];
	char                 name[2 * RH_NAME_MAX + 2];
	struct rh_bpf_source source = { .name = name, .sha256 = sha256,
		.object_fd = code->object_fd, .memory_bytes = code->spec->limits.memory_bytes };
	int                  r = connect_helper(probes, why);

	snprintf(name, sizeof name, "%s/%s", probe->place.agent->resource, probe->rule);
	if (r == RH_OK)
		r = hash(code->object_fd, sha256, why);
	if (r < 0)
		return r;
	sort(code->spec, &lists, &source);
	r = rh_bpf_send_load(probes->client, &source, &probe->request, why);
	if (r == RH_ELOST)
		lose(probes);
	return r;
}

static void on_retry(uv_timer_t *timer);

/* Loads again what rhodes-bpf lost when it ended. */
static void ask_again(struct rh_probes *probes)
{
	struct rh_diag why;

	RH_LIST_EACH(node, &probes->list) {
		struct probe *probe = RH_CONTAINER(node, struct probe, in_probes);

		if (!probe->place.active || probe->handle || probe->request)
			continue;
		probe->is_again = 1;
		if (ask(probe, probe->place.active, &why) < 0) {
			probe->request = 0;
			uv_timer_start(&probes->retry, on_retry, RETRY_MS, 0);
			return;
		}
	}
}

static void on_retry(uv_timer_t *timer)
{
	struct rh_probes *probes = timer->data;

	rh_log_as(probes->agent->name);
	ask_again(probes);
}

/* Asks about all that are in force, while there is any. */
static void on_look(uv_timer_t *timer)
{
	struct rh_probes *probes = timer->data;

	rh_log_as(probes->agent->name);
	RH_LIST_EACH(node, &probes->list) {
		struct probe *probe = RH_CONTAINER(node, struct probe, in_probes);

		if (!probes->client || !probe->handle)
			continue;
		probe->looked = probe->handle;
		if (rh_bpf_send_runs(probes->client, probe->handle, &probe->look) == RH_ELOST)
			lose(probes);
	}
	if (!rh_list_empty(&probes->list))
		uv_timer_start(timer, on_look, LOOK_MS, 0);
}

/* rhodes-bpf ended, and with it what it held for us. */
static void lose(struct rh_probes *probes)
{
	struct rh_diag why;

	disconnect(probes);
	rh_diag_set(&why, RH_EDOWN, "rhodes-bpf ended while it loaded the rule");
	RH_LIST_EACH(node, &probes->list) {
		struct probe *probe = RH_CONTAINER(node, struct probe, in_probes);
		int           waits = probe->request && !probe->is_again;

		probe->request = 0;
		if (probe->handle)
			rh_warn_often("rule %s is attached no more: rhodes-bpf ended", probe->rule);
		probe->handle = 0;
		if (waits && probe->place.next)
			rh_code_refuse(&probe->place, &why);
	}
	uv_timer_start(&probes->retry, on_retry, RETRY_MS, 0);
}

/* ---- as a place of a rule of code ------------------------------------------- */

static struct probe *probe_of(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct probe, place);
}

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct probe *probe = probe_of(place);
	int           r;

	probe->is_again = 0;
	r = ask(probe, next, why);
	if (r == RH_OK)
		return RH_EAGAIN;
	probe->request = 0;
	return r;
}

/* What follows it took its place in the kernel already. */
static void stop(struct rh_code_place *place, struct rh_code *code)
{
	struct probe     *probe = probe_of(place);
	struct rh_probes *probes = place->agent->probes;

	(void)code;
	if (place->active)
		return;
	if (probe->handle && probes->client &&
	    rh_bpf_send_unload(probes->client, probe->handle) == RH_ELOST)
		lose(probes);
	probe->handle = 0;
}

static const struct rh_code_ops ops = { .start = start, .stop = stop };

/* ---- what the center wants --------------------------------------------------- */

static const struct rh_codespec *find_spec(const struct rh_agent *agent, const char *rule)
{
	const struct rh_codespecs *codes = &agent->view->self.codes;

	for (unsigned i = 0; i < codes->count; i++) {
		if (codes->at[i]->hook->is_ebpf && strcmp(codes->at[i]->rule, rule) == 0)
			return codes->at[i];
	}
	return NULL;
}

static struct probe *find(struct rh_probes *probes, const char *rule)
{
	RH_LIST_EACH(node, &probes->list) {
		struct probe *probe = RH_CONTAINER(node, struct probe, in_probes);

		if (strcmp(probe->rule, rule) == 0)
			return probe;
	}
	return NULL;
}

static int create(struct rh_probes *probes, const char *rule)
{
	struct probe *probe = calloc(1, sizeof *probe);

	if (!probe)
		return RH_ENOMEM;
	rh_code_place_init(&probe->place, probes->agent, probes->agent->resource, "", &ops);
	snprintf(probe->rule, sizeof probe->rule, "%s", rule);
	rh_list_add(&probes->list, &probe->in_probes);
	if (!uv_is_active((uv_handle_t *)&probes->look))
		uv_timer_start(&probes->look, on_look, LOOK_MS, 0);
	return RH_OK;
}

static void set(struct probe *probe, const struct rh_codespec *wanted, uint64_t revision)
{
	const struct rh_code *before = probe->place.next;

	rh_code_place_set(&probe->place, wanted, revision);
	if (before && probe->place.next != before && !probe->is_again)
		probe->request = 0; /* the answer is nobody's; what it made is replaced */
}

void rh_probes_apply(struct rh_agent *agent)
{
	struct rh_probes          *probes = agent->probes;
	const struct rh_codespecs *codes = &agent->view->self.codes;
	const struct rh_item      *item = rh_items_find(&agent->items, agent->resource, "");

	for (unsigned i = 0; i < codes->count; i++) {
		if (codes->at[i]->hook->is_ebpf && !find(probes, codes->at[i]->rule) &&
		    create(probes, codes->at[i]->rule) < 0)
			rh_error("no memory for rule %s", codes->at[i]->rule);
	}
	RH_LIST_EACH(node, &probes->list) {
		struct probe *probe = RH_CONTAINER(node, struct probe, in_probes);

		const struct rh_codespec *wanted = find_spec(agent, probe->rule);

		set(probe, wanted, item ? item->revision : 0);
		if (wanted || probe->place.active || probe->place.next)
			continue;
		rh_list_remove(&probe->in_probes);
		rh_code_place_fini(&probe->place);
		free(probe);
	}
}

int rh_probes_are_settled(const struct rh_agent *agent)
{
	RH_LIST_EACH(node, &agent->probes->list) {
		if (!rh_code_is_settled(&RH_CONTAINER(node, struct probe, in_probes)->place))
			return 0;
	}
	return 1;
}

/* ---- begin and end ----------------------------------------------------------- */

int rh_probes_init(struct rh_agent *agent)
{
	struct rh_probes *probes = calloc(1, sizeof *probes);

	agent->probes = probes;
	if (!probes || uv_timer_init(agent->loop, &probes->retry) < 0 ||
	    uv_timer_init(agent->loop, &probes->look) < 0)
		return RH_ENOMEM;
	probes->agent = agent;
	probes->retry.data = probes->look.data = probes;
	rh_list_init(&probes->list);
	return RH_OK;
}

void rh_probes_leave(struct rh_agent *agent)
{
	if (agent->probes) {
		rh_leave_close(agent, (uv_handle_t *)&agent->probes->retry);
		rh_leave_close(agent, (uv_handle_t *)&agent->probes->look);
	}
	if (agent->probes && agent->probes->client)
		disconnect(agent->probes);
}

void rh_probes_free(struct rh_agent *agent)
{
	struct rh_probes *probes = agent->probes;

	if (!probes)
		return;
	while (!rh_list_empty(&probes->list)) {
		struct probe *probe = RH_CONTAINER(probes->list.next, struct probe, in_probes);

		rh_list_remove(&probe->in_probes);
		rh_code_place_fini(&probe->place);
		free(probe);
	}
	free(probes);
	agent->probes = NULL;
}
