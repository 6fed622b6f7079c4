#include "rule_start.h"

#include "../rules/hook.h"

#include <string.h>

static const char filter_inputs[] =
	"{\"call\": \"rh_filter_before\", \"function\": \"0x1f\", \"caller\": 7,"
	" \"text\": \"hello\", \"expect\": {\"result\": 0}}\n"
	"{\"call\": \"rh_filter_before\", \"function\": \"0x1f\", \"caller\": 8, \"instances\": 2,"
	" \"hex\": \"00 ff\"}\n"
	"{\"call\": \"rh_filter_before\"}\n"
	"{\"call\": \"rh_filter_after\", \"function\": \"0x1f\", \"caller\": 7,"
	" \"status\": 0, \"text\": \"world\"}\n";

static const char cache_inputs[] =
	"{\"call\": \"rh_cache_begin\", \"capacity\": 2, \"expect\": {\"result\": 0}}\n"
	"{\"call\": \"rh_cache_insert\", \"capacity\": 2, \"used\": 0, \"slot\": 0, \"key\": 100}\n"
	"{\"call\": \"rh_cache_insert\", \"capacity\": 2, \"used\": 1, \"slot\": 1, \"key\": 101}\n"
	"{\"call\": \"rh_cache_hit\", \"capacity\": 2, \"used\": 2, \"slot\": 0}\n"
	"{\"call\": \"rh_cache_victim\", \"capacity\": 2, \"used\": 2, \"key\": 102}\n";

static const char event_inputs[] =
	"{\"call\": \"rh_event_see\", \"name\": \"door\", \"source\": \"app\", \"depth\": 0,"
	" \"text\": \"open\"}\n"
	"{\"call\": \"rh_event_see\", \"name\": \"door\", \"source\": \"app\", \"depth\": 1}\n";

static const char transform_inputs[] =
	"{\"call\": \"rh_transform_run\", \"function\": \"0x1f\", \"caller\": 7, \"kind\": 0,"
	" \"text\": \"hello\"}\n"
	"{\"call\": \"rh_transform_run\", \"function\": \"0x1f\", \"caller\": 7, \"kind\": 1,"
	" \"text\": \"world\"}\n";

static const char protocol_inputs[] =
	"{\"call\": \"rh_protocol_most\", \"length\": 5}\n"
	"{\"call\": \"rh_protocol_send\", \"length\": 5}\n"
	"{\"call\": \"rh_protocol_receive\", \"at\": 0, \"end\": 2, \"expect\": {\"result\": 0}}\n";

static const char user_inputs[] =
	"{\"call\": \"rh_user_run\", \"text\": \"what?\"}\n"
	"{\"call\": \"rh_user_run\"}\n";

static const char softirq_inputs[] =
	"{\"call\": \"rh_softirq_interrupt\", \"interrupts\": 1}\n"
	"{\"call\": \"rh_softirq_budget\", \"interrupts\": 1, \"pending\": 1}\n"
	"{\"call\": \"rh_softirq_next\", \"interrupts\": 1, \"ran\": 20, \"budget\": 64,"
	" \"done\": 20, \"left\": 0}\n";

static const char sched_inputs[] =
	"# A task comes and waits, another one too; the first one runs for 3 ms.\n"
	"{\"call\": \"rh_sched_enable\", \"task\": 0, \"tasks\": {\"0\": {\"weight\": 1024}},"
	" \"expect\": {\"result\": 0}}\n"
	"{\"call\": \"rh_sched_enqueue\", \"task\": 0, \"why\": 0, \"nr\": 1,"
	" \"weight_sum\": 1024, \"current\": -1, \"expect\": {\"tasks\": {\"0\": {\"queue\": 0}}}}\n"
	"{\"call\": \"rh_sched_enable\", \"task\": 1, \"tasks\": {\"1\": {\"weight\": 110}},"
	" \"current\": -1}\n"
	"{\"call\": \"rh_sched_enqueue\", \"task\": 1, \"why\": 0, \"nr\": 2,"
	" \"weight_sum\": 1134, \"current\": -1}\n"
	"{\"call\": \"rh_sched_stopping\", \"task\": 0, \"runnable\": 1, \"nr\": 2,"
	" \"weight_sum\": 1134, \"current\": -1, \"tasks\": {\"0\": {\"ran_ns\": 3000000}}}\n"
	"{\"call\": \"rh_sched_enqueue\", \"task\": 0, \"why\": 2, \"nr\": 2,"
	" \"weight_sum\": 1134, \"current\": -1}\n";

static const struct {
	const char *hook;
	const char *text;
} texts[] = {
	{ "filter", filter_inputs }, { "cache", cache_inputs }, { "event", event_inputs },
	{ "protocol", protocol_inputs }, { "transform", transform_inputs },
	{ "sched", sched_inputs }, { "softirq", softirq_inputs }, { "user", user_inputs },
};

/* {"call": "rh_cache_insert", "slot": 0, "key": 0} */
static void write_call(const struct rh_hook_function *function, FILE *file)
{
	fprintf(file, "{\"call\": \"%s\"", function->name);
	for (unsigned i = 0; i < RH_HOOK_PARAMETERS_MAX && function->parameters[i]; i++)
		fprintf(file, ", \"%s\": 0", function->parameters[i]);
	fputs("}\n", file);
}

void rh_rule_start_inputs(const struct rh_hook *hook, FILE *file)
{
	fputs("# What `rhodes rule test` runs the rule on: a call a line (rhodes-rule(7)).\n"
	      "# {\"params\": {\"rate\": \"10\"}} would be the parameters of the rule.\n", file);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(texts[i].hook, hook->name) == 0) {
			fputs(texts[i].text, file);
			return;
		}
	}
	for (unsigned slot = RH_SLOT_RESTORE + 1; slot < hook->export_count; slot++)
		write_call(&hook->exports[slot], file);
}
